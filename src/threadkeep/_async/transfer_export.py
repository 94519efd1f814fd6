"""Export: a store as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from threadkeep._async.transfer import PAUSE, TRIES, every_entity, pieces, survey, too_busy
from threadkeep.concurrency import AsyncFlow
from threadkeep.layers.transfer import FieldPiece, Names, Torn
from threadkeep.layers.transfer_format import (
    FORMAT,
    VERSION,
    End,
    Footer,
    Header,
    Line,
    Void,
    entity_line,
    piece_line,
    seal,
)
from threadkeep.layers.transfer_parsing import Place
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import AsyncEngine, Listed
from threadkeep.ops.reply import EntityInfo


class AsyncExport:
    """Writes entities as lines, in bounded memory. Each entity is of one moment; the store as a whole is not.

    `place` and `after` continue an export that was cut off after the entity `after`.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        write: Callable[[bytes], object],
        *,
        place: Place | None = None,
        after: Ref | None = None,
    ) -> None:
        self._engine, self._write, self._after = engine, write, after
        self._names = Names()
        place = place or Place()
        self._chain = place.chain
        self.entities, self.fields, self.items = place.totals

    def _put(self, line: Line) -> None:
        data, self._chain = seal(line, self._chain)
        self._write(data)

    async def run(
        self, namespaces: Sequence[str], *, namespace: str | None, created: str, version: str
    ) -> None:
        """Write header, all entities and footer; `namespace` None: `namespaces` are all there are.

        Raises Conflict for an entity that is half imported or changes faster than it can be read.
        """
        if not self._chain:
            header = Header(
                format=FORMAT,
                version=VERSION,
                namespace=namespace,
                created=created,
                threadkeep=version,
            )
            self._put(header)
        async for listed in every_entity(self._engine, namespaces, self._after):
            await self._entity(listed)
        self._put(Footer(entities=self.entities, fields=self.fields, items=self.items))

    async def _entity(self, listed: Listed) -> None:
        guess = self._names.guess(listed)
        for _ in range(TRIES):
            if await self._attempt(listed.ref, guess):
                return
            await AsyncFlow.sleep(PAUSE)
        raise too_busy(listed.ref)

    async def _attempt(self, ref: Ref, guess: EntityInfo) -> bool:
        """Write an entity; False when it changed meanwhile, and what was written is void."""
        try:
            found = await survey(self._engine, ref, guess)
        except Torn:
            return False
        if found is None:
            return True  # gone since it was listed
        self._names.learn(found)
        self._put(entity_line(found.outline))
        fields = items = 0
        try:
            async for piece in pieces(self._engine, found):
                if isinstance(piece, FieldPiece):
                    fields += len(piece.fields)
                else:
                    items += len(piece.items)
                self._put(piece_line(piece))
        except Torn:
            self._put(Void())
            return False
        self._put(End(fields=fields, items=items))
        self.entities, self.fields, self.items = (
            self.entities + 1,
            self.fields + fields,
            self.items + items,
        )
        return True
