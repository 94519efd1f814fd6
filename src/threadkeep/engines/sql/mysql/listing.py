"""Pages of listings: newest first or by id, in one packet; two or more labels take one more. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from threadkeep.engines.cursor import Place, check_query, pack, unpack
from threadkeep.engines.sql.mysql.packet import Packet, Row, clock
from threadkeep.engines.sql.mysql.rows import above
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import Listed, Page, Query
from threadkeep.ops.reply import EntityInfo

FIRST: Final = 1 << 62  # above every place in listings
WINDOW: Final = 10_000_000  # microseconds that a write may take from its place to its commit
LOOKED: Final = 512  # places that are looked through for the window; with more it is shorter
KNOWN: Final = 256  # places in the window that a cursor carries; likewise
FREQUENT: Final = 1000  # so many entities with a label are counted
Labels = Sequence[tuple[str, str]]

_labels = msgspec.json.Decoder(dict[str, str]).decode
_DEAD: Final = (
    "if(e.due <= {now}, (select {what} from tk_field f where f.eid = e.eid"
    " and left(f.map, 1) <> '#' and f.expires <= {now}), 0)"
)
_COLUMNS: Final = (
    "e.id, e.created, e.updated, e.revision, e.epoch, e.win, e.expires, e.labels, e.fields, e.items,"
    " e.field_bytes + e.item_bytes, e.listed"
)
# A claim puts `due` after the end: what was claimed does not stand, though the clock may have gone back.
_ALIVE: Final = (
    "(e.expires is null or (e.expires > {now} and coalesce(e.due, 0) <= e.expires))"
    " and (e.expires is not null or e.labels is not null or e.logs is not null"
    " or (e.fields > 0 and e.due is null) or exists (select 1 from tk_field f where f.eid = e.eid"
    " and left(f.map, 1) <> '#' and (f.expires is null or f.expires > {now})))"
)
_LABELLED: Final = (
    " and exists (select 1 from tk_label x where x.ns = e.ns and x.kind = e.kind and x.name = %s"
    " and x.value = %s and x.listed = e.listed and x.eid = e.eid)"
)


class Spaces:
    """The namespaces and kinds that anything stands in, from one to the next by the index."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []
        self.packet = Packet()
        self.packet.add(
            "select distinct ns, kind from tk_entity force index (tk_entity_ref) order by ns, kind",
            sink=self._take,
        )

    def _take(self, rows: Sequence[Row]) -> None:
        self.found = [(namespace.decode(), kind.decode()) for namespace, kind in rows]


class Counting:
    """How frequent labels are: a listing is driven from the rarest."""

    def __init__(self, query: Query) -> None:
        self._counts: list[int] = []
        self._labels = query.labels
        self.packet = Packet()
        for name, value in query.labels:
            self.packet.add(
                "select count(*) from (select 1 from tk_label where ns = %s and kind = %s"
                f" and name = %s and value = %s limit {FREQUENT}) c",
                (query.namespace.encode(), query.kind.encode(), name.encode(), value.encode()),
                lambda rows: self._counts.append(rows[0][0]),
            )

    def rarest_first(self) -> Labels:
        """Return the labels."""
        pairs = zip(self._counts, self._labels, strict=True)
        return [label for _, label in sorted(pairs, key=lambda pair: pair[0])]


class Listing:
    """One page. Raises UsageError for a query that cannot be."""

    def __init__(self, query: Query, labels: Labels, now: int | None) -> None:
        check_query(query)
        self._query, self._labels = query, labels
        self._place = unpack(query)
        self._now = f"greatest({clock(now)}, e.updated)"
        self._moved: list[Row] = []
        self._here: list[Row] = []
        self._window: list[tuple[int, bool]] = []
        self._top = 0
        self.packet = Packet()
        self.packet.add("set transaction isolation level repeatable read")
        self.packet.add("start transaction read only")
        if query.order == "id":
            self._ask_by_id()
        else:
            self._ask_newest()
        self.packet.add("commit")

    def _select(
        self, source: str, labels: Labels, where: str, args: Sequence[object]
    ) -> tuple[str, list[object]]:
        """Return a statement for the entities that stand and have the labels."""
        columns = ", ".join(
            (
                _COLUMNS,
                *(
                    _DEAD.format(now=self._now, what=w)
                    for w in ("count(*)", "coalesce(sum(f.size), 0)")
                ),
            )
        )
        alive = _ALIVE.format(now=self._now)
        text = f"select {columns} from {source} where {where}{_LABELLED * len(labels)} and {alive}"
        named = [part.encode() for label in labels for part in label]
        return text, [*args, *named]

    def _ask_by_id(self) -> None:
        query = self._query
        last, prefix = self._place.last or "", query.prefix or ""
        where = "e.ns = %s and e.kind = %s and e.id >= %s and e.id <> %s"
        args: list[object] = [query.namespace.encode(), query.kind.encode()]
        args += [max(last.encode(), prefix.encode()), last.encode()]
        if prefix:
            where += " and e.id < %s"
            args.append(above(prefix))
        text, args = self._select(
            "tk_entity e force index (tk_entity_ref)", self._labels, where, args
        )
        self.packet.add(f"{text} order by e.id limit {query.limit + 1}", args, self._here.extend)

    def _ask_newest(self) -> None:
        query, place = self._query, self._place
        kind = (query.namespace.encode(), query.kind.encode())
        below = FIRST if place.below is None else place.below
        if self._labels:
            source, at, others = (
                "tk_label t straight_join tk_entity e on e.eid = t.eid",
                "t",
                self._labels[1:],
            )
            where = "t.ns = %s and t.kind = %s and t.name = %s and t.value = %s"
            args: list[object] = [*kind, *(part.encode() for part in self._labels[0])]
        else:
            source, at, others = "tk_entity e force index (tk_entity_listed)", "e", ()
            where, args = "e.ns = %s and e.kind = %s", list[object](kind)
        top = "select max(listed) from tk_entity where ns = %s and kind = %s"
        self.packet.add(top, kind, self._take_top)
        if place.seen is not None:
            self._ask_moved(source, others, where, at, args)
        text, given = self._select(source, others, f"{where} and {at}.listed < %s", [*args, below])
        self.packet.add(
            f"{text} order by {at}.listed desc limit {query.limit + 1}", given, self._here.extend
        )
        text = f"select e.listed, e.prior from {source} where {where} and {at}.listed > ({top}) - {WINDOW}"
        self.packet.add(
            f"{text} order by {at}.listed desc limit {LOOKED}",
            [*args, *kind],
            self._take_window,
        )

    def _ask_moved(
        self, source: str, others: Labels, where: str, at: str, args: Sequence[object]
    ) -> None:
        """Ask for what has moved up since the last page and had not had its turn."""
        place, most = self._place, self._query.limit + 1
        low, known = unpack_window(place)
        where += (
            f" and {at}.listed > %s and {at}.listed >= %s and e.prior > 0"
            " and (e.prior < %s or e.prior > %s or (e.prior > %s and e.listed <= %s))"
        )
        given = [*args, low, place.below, place.below, place.seen, place.since, place.top]
        if known:
            where += f" and {at}.listed not in ({', '.join(['%s'] * len(known))})"
            given += known
        text, given = self._select(source, others, where, given)
        self.packet.add(f"{text} order by {at}.listed limit {most}", given, self._moved.extend)

    def _take_top(self, rows: Sequence[Row]) -> None:
        self._top = rows[0][0] or 0

    def _take_window(self, rows: Sequence[Row]) -> None:
        self._window = [(listed, prior > 0) for listed, prior in rows]

    def page(self) -> Page:
        """Return the page of what was found."""
        query = self._query
        if query.order == "id":
            items = tuple(self._listed(row) for row in self._here[: query.limit])
            more = len(self._here) > query.limit
            return Page(items, pack(Place("id", last=items[-1].ref.id)) if more else None)
        moved, here = self._moved, self._here
        if len(moved) > query.limit:
            moved = moved[: query.limit]
            return self._page(moved, self._place.within_moved(moved[-1][11], self._top))
        room = query.limit - len(moved)
        if len(here) <= room:
            return self._page(moved + here, None)
        here = here[:room]
        below = here[-1][11] if here else self._place.below
        return self._page(
            moved + here,
            Place("newest", below, self._top, pack_window(self._top, self._window)),
        )

    def _page(self, rows: list[Row], after: Place | None) -> Page:
        items = [self._listed(row) for row in rows]
        items.sort(key=lambda listed: listed.info.updated, reverse=True)
        return Page(tuple(items), pack(after) if after else None)

    def _listed(self, row: Row) -> Listed:
        name, created, updated, revision, epoch, window, end, labels, *counts = row
        fields, items, size, _, dead, dead_size = counts
        info = EntityInfo(
            created=created,
            updated=updated,
            revision=revision,
            epoch=epoch.decode(),
            window=window,
            end=end,
            labels=_labels(labels) if labels else {},
            fields=fields - int(dead),
            items=items,
            bytes=int(size) - int(dead_size),
        )
        return Listed(Ref(self._query.namespace, self._query.kind, name.decode()), info)


def pack_window(top: int, places: Sequence[tuple[int, bool]]) -> str:
    """Return those places below `top`, newest first, that were moved to, with the lowest that counts before them."""
    moved = [at for at, was_moved in places if was_moved]
    low = top - WINDOW
    if len(moved) > KNOWN:
        moved = moved[:KNOWN]
        low = moved[-1] - 1
    elif len(places) == LOOKED:
        low = places[-1][0] - 1
    return " ".join(f"{top - at:x}" for at in (low, *moved))


def unpack_window(place: Place) -> tuple[int, list[int]]:
    """Return from where on a listing looks for what has moved up, and which places it has seen there.

    Who moved up a moment before the page was read, and committed after it, is none of those.
    """
    seen = place.seen or 0
    if not place.last:
        return seen, []
    low, *known = (seen - int(part, 16) for part in place.last.split(" "))
    return low, known
