"""What stands of several entities, for those who watch them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from threadkeep.engines.sql.mysql.packet import Packet, Row, table
from threadkeep.engines.sql.mysql.rows import place
from threadkeep.model.refs import Ref


class Looking:
    """The revision and the epoch of each entity that stands."""

    def __init__(self, refs: Sequence[Ref]) -> None:
        self._refs = refs
        self.found: dict[Ref, tuple[int, bytes]] = {}
        self.packet = Packet()
        self.packet.add(
            f"select q.n, e.revision, e.epoch from {table(('n', 'ns', 'kind', 'id'), len(refs))}"
            " straight_join tk_entity e on e.ns = q.ns and e.kind = q.kind and e.id = q.id",
            [arg for n, ref in enumerate(refs) for arg in (n, *place(ref))],
            self._take,
        )

    def _take(self, rows: Sequence[Row]) -> None:
        for n, revision, epoch in rows:
            self.found[self._refs[n]] = (revision, epoch)
