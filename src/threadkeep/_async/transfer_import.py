"""Import: lines of text into a store. Running it again finishes what was cut off and changes nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from threadkeep._async.transfer import AsyncEntityWriter, OnConflict, ask, digest, remove
from threadkeep.errors import Conflict, UsageError
from threadkeep.layers import transfer
from threadkeep.layers.transfer import Digest, Outline, Piece, Standing
from threadkeep.layers.transfer_format import (
    AnyLine,
    End,
    EntityLine,
    FieldsLine,
    Header,
    ItemsLine,
    Void,
    outline_of,
)
from threadkeep.layers.transfer_parsing import Parser, Place

if TYPE_CHECKING:
    from threadkeep._async.store import AsyncStore

KEPT = (
    4 << 20
)  # bytes of lines: an entity up to that is held while it is checked, a larger one read twice

Outcome = Literal["imported", "resumed", "replaced", "same", "skipped", "expired"]


class Source(Protocol):
    """Where lines come from, with one place to go back to."""

    def readline(self) -> bytes:
        """Return the next line with its end; nothing after the last."""
        ...

    def mark(self) -> None:
        """Remember this place instead of the one before."""
        ...

    def rewind(self) -> None:
        """Go back to the marked place."""
        ...


class Checked(msgspec.Struct):
    """An entity whose lines have all been read and fit; `pieces` None: too many to hold."""

    outline: Outline
    told: Digest
    pieces: list[Piece] | None


class AsyncImport:
    """Writes the entities of an export, each only after all its lines were checked.

    What stands already with the same content is left alone. What stands with another: `on_conflict` "fail"
    stops there, "skip" leaves it, "replace" removes it first. A large entity is written in several batches and
    bears a mark until the last, by which the next run knows what a killed one left.

    Args:
        source: the lines.
        now: the time in microseconds; what has run out by it is left out.
        namespace: takes the place of the export's own, which must be one then.
        write: False only checks the lines.
        tick: called after each line.
    """

    def __init__(
        self,
        store: AsyncStore,
        source: Source,
        *,
        now: Callable[[], int],
        on_conflict: OnConflict = "fail",
        namespace: str | None = None,
        write: bool = True,
        tick: Callable[[], object] = lambda: None,
    ) -> None:
        self._store, self._source, self._now = store, source, now
        self._on_conflict, self._namespace = on_conflict, namespace
        self._does_write, self._tick = write, tick
        self._parser = Parser()
        self.outcomes: dict[Outcome, int] = {}
        self.fields = 0
        self.items = 0

    async def run(self) -> Header:
        """Read to the footer and return the header.

        Raises CodecError with the number of a line that is damaged, missing or cut off; what came before it
        is imported, of the entity it belongs to nothing is. Conflict: see `on_conflict`.
        """
        header = self._next()
        if not isinstance(header, Header):
            raise self._parser.cut_off()  # the parser lets no other line be the first
        if self._namespace is not None and header.namespace is None:
            raise UsageError("the export holds several namespaces; import it without --namespace")
        while (line := self._next()) is not None:
            if isinstance(line, EntityLine):
                await self._entity(line)
        self._parser.finish()
        return header

    def _next(self) -> AnyLine | None:
        data = self._source.readline()
        if not data:
            return None
        line = self._parser.feed(data)
        self._tick()
        return line

    async def _entity(self, line: EntityLine) -> None:
        place = self._parser.place
        self._source.mark()
        found = self._check(outline_of(line, self._namespace))
        if found is None:
            return
        outcome = await self._import(found, place) if self._does_write else "imported"
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.fields += found.told.fields
        self.items += found.told.items

    def _check(self, outline: Outline) -> Checked | None:
        """Read an entity to its end; None when it is void."""
        told = Digest(outline, self._now())
        pieces: list[Piece] | None = []
        weight = 0
        while (line := self._next()) is not None:
            if isinstance(line, Void):
                return None
            if isinstance(line, End):
                return Checked(outline, told, pieces)
            assert isinstance(line, FieldsLine | ItemsLine)  # noqa: S101 - the parser lets nothing else through
            piece = self._parser.piece(line)
            told.add(piece)
            weight += transfer.weight(piece)
            if pieces is not None:
                pieces.append(piece)
            if weight > KEPT:
                pieces = None
        raise self._parser.cut_off()

    def _pieces(self, found: Checked) -> Iterator[Piece]:
        """Yield the pieces of a checked entity, from its lines where they are too many to hold."""
        if found.pieces is not None:
            yield from found.pieces
            return
        while isinstance(line := self._next(), FieldsLine | ItemsLine):
            yield self._parser.piece(line)

    async def _import(self, found: Checked, place: Place) -> Outcome:
        ref, mark = found.outline.ref, found.told.text
        if found.outline.end is not None and found.outline.end <= self._now():
            return "expired"
        engine = await self._store.ready()
        standing = await ask(engine, transfer.stands(ref))
        if standing is None:
            return await self._write(found, place, None, "imported")
        if standing.mark == mark:
            return await self._write(found, place, standing, "resumed")
        if standing.mark is None and await self._is_same(found):
            return "same"
        if self._on_conflict == "skip":
            return "skipped"
        if self._on_conflict == "fail":
            half = " (half written from another export)" if standing.mark else ""
            raise Conflict(
                f"{ref} stands with other content{half}; nothing of it was changed."
                " Pass --on-conflict skip or replace",
                ref=ref,
            )
        await remove(self._store, ref)
        return await self._write(found, place, None, "replaced")

    async def _is_same(self, found: Checked) -> bool:
        engine = await self._store.ready()
        there = await digest(engine, found.outline.ref, self._now())
        return there is not None and there[1].text == found.told.text

    async def _write(
        self, found: Checked, place: Place, begun: Standing | None, outcome: Outcome
    ) -> Outcome:
        if found.pieces is None:
            self._source.rewind()
            self._parser = Parser(place)
        writer = AsyncEntityWriter(self._store, found.outline, found.told.text, self._now())
        if begun is not None:
            await writer.resume(begun)
        for piece in self._pieces(found):
            await writer.add(piece)
        return outcome if await writer.finish() else "expired"
