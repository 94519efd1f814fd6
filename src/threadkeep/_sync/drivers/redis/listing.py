# Generated from src/threadkeep/_async/drivers/redis/listing.py by scripts/unasync. Do not edit.
"""Pages of listings from the indexes of all shards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from threadkeep.engines.cursor import Place, check_query, pack, unpack
from threadkeep.engines.redis.keys import Home, Places, entity
from threadkeep.engines.redis.links import Nodes, slot_of
from threadkeep.engines.redis.listing import Candidate, Command, Shard, candidates, scored
from threadkeep.engines.redis.record import ASKED, Record, read_record
from threadkeep.engines.redis.reply import raise_first
from threadkeep.model.refs import Ref
from threadkeep.ops.engine import Listed, Page, Query
from threadkeep.ops.reply import EntityInfo

Label = tuple[str, str] | None
Shown = dict[str, tuple[EntityInfo, int]]  # by id, with the place before


class RedisListing:
    """Reads one page. `look` asks the script about an entity; `tidy` removes what an index has too much."""

    def __init__(
        self,
        nodes: Nodes,
        places: Places,
        look: Callable[[Ref], EntityInfo | None],
        tidy: Callable[[Ref], None],
    ) -> None:
        self._nodes, self._places = nodes, places
        self._look, self._tidy = look, tidy
        self._shards: list[Shard] = []

    def page(self, query: Query) -> Page:
        """Return one page."""
        check_query(query)
        place = unpack(query)
        self._shards = [Shard(self._places, query, n) for n in range(self._places.shards)]
        if query.order == "id":
            return self._by_id(query, place)
        return self._newest(query, place)

    def _ask(self, commands: list[tuple[Shard, Command]]) -> list[Any]:
        """Ask several shards at once; raises the first error."""
        answers = self._nodes.ask_each(
            [(slot_of(shard.key.encode()), command) for shard, command in commands]
        )
        raise_first(answers)
        return answers

    def _share(self, limit: int) -> int:
        return limit + 1 if len(self._shards) == 1 else limit // len(self._shards) * 2 + 6

    def _records(self, query: Query, ids: list[str]) -> Shown:
        """Return what a listing shows of these entities, by id."""
        by_home: dict[Home, list[str]] = {}
        for id_ in ids:
            home = self._places.home(Ref(query.namespace, query.kind, id_))
            by_home.setdefault(home, []).append(id_)
        asked: list[tuple[int, Command]] = []
        for home, mine in by_home.items():
            asked.append((home.slot, ("TIME",)))
            asked += [(home.slot, ("HMGET", entity(home.base, id_), *ASKED)) for id_ in mine]
        answers = self._nodes.ask_each(asked)
        raise_first(answers)
        told = iter(answers)
        shown: Shown = {}
        for mine in by_home.values():
            seconds, micros = next(told)
            now = int(seconds) * 1_000_000 + int(micros)
            for id_ in mine:
                info = self._shown(query, id_, read_record(next(told)), now)
                if info is not None:
                    shown[id_] = info
        return shown

    def _shown(
        self, query: Query, id_: str, record: Record | None, now: int
    ) -> tuple[EntityInfo, int] | None:
        ref = Ref(query.namespace, query.kind, id_)
        if record is None:
            self._tidy(ref)
            return None
        visible = record.visible(now, query.labels)
        if visible is None:
            info = self._look(ref)
            return None if info is None else (info, record.row.prior)
        return (record.info, record.row.prior) if visible else None

    def _by_id(self, query: Query, place: Place) -> Page:
        found: dict[str, EntityInfo] = {}
        last, count, prefix = place.last, query.limit + 1, query.prefix or ""
        while True:
            asked = [(shard, shard.by_id(prefix, last, count)) for shard in self._shards]
            answers = self._ask(asked)
            ids = sorted(raw.decode() for answer in answers for raw in answer)
            shown = self._records(query, ids[:count])
            for id_ in ids[:count]:
                if id_ not in shown:
                    continue
                if len(found) == query.limit:
                    return _page(query, found, Place("id", last=list(found)[-1]))
                found[id_] = shown[id_][0]
            if len(ids) <= count and all(len(answer) < count for answer in answers):
                return _page(query, found, None)
            last = ids[:count][-1]

    def _rarest(self, query: Query) -> Label:
        if len(query.labels) < 2:
            return query.labels[0] if query.labels else None
        asked = [(shard, shard.count(label)) for label in query.labels for shard in self._shards]
        counts = self._ask(asked)
        size = len(self._shards)
        totals = [sum(counts[i : i + size]) for i in range(0, len(counts), size)]
        return query.labels[totals.index(min(totals))]

    def _newest(self, query: Query, place: Place) -> Page:
        label = self._rarest(query)
        found: dict[str, EntityInfo] = {}
        if place.below is not None and place.seen is not None:
            after = self._moved(query, place, label, found)
            if after is not None:
                return _page(query, found, after)
        below, top, count = place.below, 0, self._share(query.limit)
        while True:
            asked = [(shard, shard.newest(below, count, label)) for shard in self._shards]
            if not top:
                asked += [(shard, shard.top()) for shard in self._shards]
            answers = self._ask(asked)
            lists = [candidates(answer, label) for answer in answers[: len(self._shards)]]
            top = top or _highest(answers[len(self._shards) :])
            ready, more = _ready(lists, count)
            shown = self._records(query, [id_ for _, id_ in ready])
            for at, id_ in ready:
                if id_ not in shown or id_ in found:
                    below = at
                    continue
                if len(found) == query.limit:
                    return _page(query, found, Place("newest", below, top))
                found[id_], below = shown[id_][0], at
            if not more:
                return _page(query, found, None)

    def _moved(
        self, query: Query, place: Place, label: Label, found: dict[str, EntityInfo]
    ) -> Place | None:
        """Add what has moved up since the last page and had not had its turn.

        Return the place after a page that is full with it, else None.
        """
        assert place.seen is not None  # noqa: S101 - the caller asked
        seen, last, top, count = place.seen, 0, 0, max(query.limit + 1, 100)
        while True:
            asked = [(shard, shard.above(seen, count, label)) for shard in self._shards]
            if not top:
                asked += [(shard, shard.top()) for shard in self._shards]
            answers = self._ask(asked)
            lists = [candidates(answer, label) for answer in answers[: len(self._shards)]]
            top = top or _highest(answers[len(self._shards) :])
            ready, more = _ready(lists, count, rising=True)
            shown = self._records(query, [id_ for _, id_ in ready])
            for at, id_ in ready:
                seen = at
                if id_ not in shown:
                    continue
                if not place.awaits(at, shown[id_][1]):
                    continue
                if len(found) == query.limit:
                    return place.within_moved(last, top)
                found[id_], last = shown[id_][0], at
            if not more:
                return None


def _highest(answers: list[Any]) -> int:
    tops = [scored(answer) for answer in answers]
    return max((answer[0][1] for answer in tops if answer), default=0)


def _ready(
    lists: list[list[Candidate]], count: int, *, rising: bool = False
) -> tuple[list[Candidate], bool]:
    """Return, in order, the candidates that no shard can still put others before, and whether there are more."""
    merged = sorted((one for found in lists for one in found), reverse=not rising)
    cut_off = [found[-1][0] for found in lists if len(found) == count]
    if not cut_off:
        return merged, False
    if rising:
        return [one for one in merged if one[0] <= min(cut_off)], True
    return [one for one in merged if one[0] >= max(cut_off)], True


def _page(query: Query, found: dict[str, EntityInfo], after: Place | None) -> Page:
    listed = [Listed(Ref(query.namespace, query.kind, id_), info) for id_, info in found.items()]
    if query.order == "newest":
        listed.sort(key=lambda one: one.info.updated, reverse=True)
    return Page(tuple(listed), pack(after) if after else None)
