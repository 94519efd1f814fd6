# Generated from src/threadkeep/_async/transfer_copy.py by scripts/unasync. Do not edit.
"""Copy: from one store into another, and the proof that both hold the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from threadkeep._sync.at_once import at_once
from threadkeep._sync.transfer import (
    PAUSE,
    TRIES,
    Beside,
    EntityWriter,
    OnConflict,
    ask,
    digest,
    every_entity,
    in_groups,
    pieces,
    remove,
    survey,
    too_busy,
)
from threadkeep._sync.transfer_import import Outcome
from threadkeep.concurrency import Flow
from threadkeep.errors import Conflict
from threadkeep.layers import transfer
from threadkeep.layers.transfer import Digest, Names, Standing, Survey, Torn
from threadkeep.layers.transfer_writing import Occupied
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import Engine, Listed

if TYPE_CHECKING:
    from threadkeep._sync.store import Store

WIDTH = 64  # entities on their way at once, each with a mebibyte or two of its content


class Pair(msgspec.Struct, frozen=True, eq=False):
    """An entity of the source, and the one in the target, as they were listed."""

    here: Listed
    there: Listed | None


class Difference(msgspec.Struct, frozen=True):
    """An entity that is not the same on both sides; counts are (source, target)."""

    ref: Ref
    why: str
    fields: tuple[int, int]
    items: tuple[int, int]


class Copy:
    """Copies the entities of one engine into a store. Run again it finishes what was cut off.

    `on_conflict` as for an import. `tick` is called after each piece.
    """

    def __init__(
        self,
        source: Engine,
        target: Store,
        *,
        now: Callable[[], int],
        on_conflict: OnConflict = "fail",
        tick: Callable[[], object] = lambda: None,
    ) -> None:
        self._source, self._target, self._now = source, target, now
        self._on_conflict, self.tick = on_conflict, tick
        self._began = now()
        self._names = Names()
        self.outcomes: dict[Outcome, int] = {}
        self.entities = 0
        self.fields = 0
        self.items = 0

    def run(self, namespaces: Sequence[str]) -> None:
        """Copy everything of these namespaces, several entities at once. Raises Conflict as `on_conflict` says."""
        for pairs in self._pairs(namespaces):
            at_once(pairs, self._counted, WIDTH)

    def _pairs(self, namespaces: Sequence[str]) -> Iterator[list[Pair]]:
        """Yield the entities of the source in groups, each with the one in the target, as both were listed."""
        beside = Beside(every_entity(self._target.ready(), namespaces))
        for group in in_groups(every_entity(self._source, namespaces)):
            yield [Pair(here, beside.find(here.ref)) for here in group]

    def _counted(self, pair: Pair) -> None:
        outcome = self._one(pair)
        if outcome is not None:
            self.outcomes[outcome] = self.outcomes.get(outcome, 0) + 1
        self.tick()

    def _one(self, pair: Pair) -> Outcome | None:
        """Copy an entity; None when it is gone."""
        ref, guess = pair.here.ref, self._names.guess(pair.here)
        for _ in range(TRIES):
            try:
                found = survey(self._source, ref, guess)
                if found is not None:
                    self._names.learn(found)
                    return self._copy(found, pair.there)
            except Torn:
                Flow.sleep(PAUSE)
            else:
                self._forget(ref)
                return None
        raise too_busy(ref)

    def _forget(self, ref: Ref) -> None:
        """Remove what was written of an entity that was destroyed in the source meanwhile."""
        standing = ask(self._target.ready(), transfer.stands(ref))
        if standing is not None and standing.mark is not None and ":" in standing.mark:
            remove(self._target, ref)

    def _copy(self, found: Survey, there: Listed | None) -> Outcome:
        if (
            there is None and found.pieces is not None
        ):  # one batch, which says so when it is not new
            with suppress(Occupied):
                return self._write(found, None, "imported")
        ref, engine = found.outline.ref, self._target.ready()
        standing = ask(engine, transfer.stands(ref))
        if standing is None:
            return self._write(found, None, "imported")
        if standing.mark is not None:
            epoch, _, revision = standing.mark.partition(":")
            if epoch == found.outline.epoch and revision == str(found.outline.revision):
                return self._write(found, standing, "resumed")
            if epoch == found.outline.epoch:
                remove(self._target, ref)
                return self._write(found, None, "imported")
        elif self._is_same(found, there):
            return "same"
        if self._on_conflict == "skip":
            return "skipped"
        if self._on_conflict == "fail":
            raise Conflict(
                f"{ref} stands in the target with other content; nothing of it was changed."
                " Pass --on-conflict skip or replace",
                ref=ref,
            )
        remove(self._target, ref)
        return self._write(found, None, "replaced")

    def _is_same(self, found: Survey, there: Listed | None) -> bool:
        now, engine = self._now(), self._target.ready()
        guess = there and self._names.guess(there)
        standing = digest(engine, found.outline.ref, now, guess)
        told = Digest(found.outline, now)
        for piece in pieces(self._source, found):
            told.add(piece)
        return standing is not None and standing[1].text == told.text

    def _write(self, found: Survey, begun: Standing | None, outcome: Outcome) -> Outcome:
        outline = found.outline
        mark = f"{outline.epoch}:{outline.revision}"
        writer = EntityWriter(self._target, outline, mark, self._now())
        if begun is not None:
            writer.resume(begun)
        for piece in pieces(self._source, found):
            writer.add(piece)
            self.tick()
        return outcome if writer.finish() else "expired"

    def verify(self, namespaces: Sequence[str]) -> list[Difference]:
        """Read both sides again and return what is not the same; counts stand in this object after it."""
        found: list[Difference | None] = []
        for pairs in self._pairs(namespaces):
            found.extend((at_once(pairs, self._compare, WIDTH)).values())
        return [difference for difference in found if difference is not None]

    def _compare(self, pair: Pair) -> Difference | None:
        ref, now = pair.here.ref, self._now()
        here = digest(self._source, ref, now, self._names.guess(pair.here))
        if here is None:
            return None
        self._names.learn(here[0])
        guess = pair.there and self._names.guess(pair.there)
        there = digest(self._target.ready(), ref, now, guess)
        outline, told = here[0].outline, here[1]
        self.entities += 1
        self.fields += told.fields
        self.items += told.items
        self.tick()
        if there is not None and there[1].text == told.text:
            return None
        fields = (told.fields, there[1].fields if there else 0)
        items = (told.items, there[1].items if there else 0)
        why = "is missing in the target" if there is None else "differs"
        if outline.updated >= self._began:
            why = "was written to in the source during the copy; run it again"
        return Difference(ref, why, fields, items)
