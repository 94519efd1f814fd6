"""What stands of several entities, for those who watch them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from threadkeep.engines.sql.mysql.packet import Packet, Row, joined
from threadkeep.engines.sql.mysql.rows import place
from threadkeep.model.refs import Ref


class Looking:
    """The revision and the epoch of each entity that stands."""

    def __init__(self, refs: Sequence[Ref]) -> None:
        self._refs = refs
        self.found: dict[Ref, tuple[int, bytes]] = {}
        self.packet = Packet()
        text = (
            "select q.n, e.revision, e.epoch from {q} tk_entity e"
            " where e.ns = q.ns and e.kind = q.kind and e.id = q.id"
        )
        rows = [(n, *place(ref)) for n, ref in enumerate(refs)]
        self.packet.add(*joined(text, ("n", "ns", "kind", "id"), rows), self._take)

    def _take(self, rows: Sequence[Row]) -> None:
        for n, revision, epoch in rows:
            self.found[self._refs[n]] = (revision, epoch)
