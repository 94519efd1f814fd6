# Generated from src/threadkeep/_async/transfer_export.py by scripts/unasync. Do not edit.
"""Export: a store as lines of text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from threadkeep._sync.transfer import PAUSE, TRIES, every_entity, pieces, survey, too_busy
from threadkeep.concurrency import Flow
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
from threadkeep.ops.engine import Engine, Listed
from threadkeep.ops.reply import EntityInfo


class Export:
    """Writes entities as lines, in bounded memory. Each entity is of one moment; the store as a whole is not.

    `place` and `after` continue an export that was cut off after the entity `after`.
    """

    def __init__(
        self,
        engine: Engine,
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

    def run(
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
        for listed in every_entity(self._engine, namespaces, self._after):
            self._entity(listed)
        self._put(Footer(entities=self.entities, fields=self.fields, items=self.items))

    def _entity(self, listed: Listed) -> None:
        guess = self._names.guess(listed)
        for _ in range(TRIES):
            if self._attempt(listed.ref, guess):
                return
            Flow.sleep(PAUSE)
        raise too_busy(listed.ref)

    def _attempt(self, ref: Ref, guess: EntityInfo) -> bool:
        """Write an entity; False when it changed meanwhile, and what was written is void."""
        try:
            found = survey(self._engine, ref, guess)
        except Torn:
            return False
        if found is None:
            return True  # gone since it was listed
        self._names.learn(found)
        self._put(entity_line(found.outline))
        fields = items = 0
        try:
            for piece in pieces(self._engine, found):
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
