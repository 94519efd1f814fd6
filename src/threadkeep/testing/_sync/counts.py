# Generated from src/threadkeep/testing/_async/counts.py by scripts/unasync. Do not edit.
"""What the caches know of themselves: counts, and the advice that follows from them."""

from __future__ import annotations

import pytest

from threadkeep._sync.store import Store
from threadkeep.errors import CodecError, Unavailable
from threadkeep.layers.cache_names import counts_ref
from threadkeep.model.caches import CacheCounts, CacheOptions
from threadkeep.model.options import Limits
from threadkeep.ops.batch import Batch
from threadkeep.ops.ops import Set
from threadkeep.testing._sync.broken import Broken
from threadkeep.testing._sync.fixtures import MakeStore, OpenEngine
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Tasks

ARGS = {"n": 1}


class TestCounts:
    """Counts are added up over all processes and lose nothing at a clean end."""

    def test_what_is_counted(self, store: Store) -> None:
        for number in range(4):
            store.tools.store("t", {"n": number}, number, cost=0.5)
            store.tools.check("t", {"n": number % 2})
        store.tools.check("t", {"n": -1})
        store.tools.check("other", ARGS)
        stats = store.stats()
        counts = stats.tools.by_name["t"]
        assert counts == CacheCounts(hits=4, misses=1, stores=4, saved_micros=2_000_000)
        assert (counts.lookups, counts.hit_rate) == (5, 0.8)
        assert stats.tools.by_name["other"] == CacheCounts(misses=1)
        assert stats.tools.total == CacheCounts(hits=4, misses=2, stores=4, saved_micros=2_000_000)
        assert list(stats.tools.by_name) == ["other", "t"]
        assert stats.saved_micros == 2_000_000
        assert stats.llm.total == CacheCounts()

    def test_counts_of_all_processes(self, make_store: MakeStore, store: Store) -> None:
        stores = [make_store() for _ in range(4)]
        Tasks.together(*[lambda s=s: s.tools.check("t", ARGS) for s in stores for _ in range(25)])
        for one in stores:
            one.close()
        assert (store.stats()).tools.by_name["t"].misses == 100

    def test_counts_are_sent_without_being_asked_for(
        self, make_store: MakeStore, store: Store
    ) -> None:
        other = make_store(caches=CacheOptions(flush_seconds=0.01))
        for number in (1, 2):
            other.tools.check("t", ARGS)

            def sent(number: int = number) -> bool:
                return (store.stats()).tools.total.misses == number

            Tasks.until(sent)

    def test_counts_can_begin_anew(self, store: Store) -> None:
        store.tools.check("t", ARGS)
        store.llm.check({"model": "m"})
        assert (store.stats()).llm.by_name == {"m": CacheCounts(misses=1)}
        store.reset_stats()
        stats = store.stats()
        assert (stats.tools.by_name, stats.llm.by_name) == ({}, {})
        store.tools.check("t", ARGS)
        assert (store.stats()).tools.total.misses == 1

    def test_a_lost_answer_counts_once(self, make_store: MakeStore, store: Store) -> None:
        engine = Broken(store.ready())
        other = make_store(engine=engine, caches=CacheOptions(flush_seconds=3_600))
        other.tools.check("t", ARGS)
        engine.lost = 1
        with pytest.raises(Unavailable):
            other.stats()
        other.tools.check("t", ARGS)
        assert (other.stats()).tools.total.misses == 2

    def test_any_name_is_counted(self, store: Store) -> None:
        for name in ("__proto__", "a:b", "a%", "\n", "x" * 512, "%counts00"):
            store.tools.check(name, ARGS)
            assert (store.stats()).tools.by_name[name] == CacheCounts(misses=1)

    def test_advice(self, store: Store) -> None:
        rates = {"often": 19, "half": 10, "seldom": 3, "never": 0, "few": 5}
        store.tools.set_policy("often", ttl=60)
        for tool, hits in rates.items():
            lookups = 5 if tool == "few" else 20
            store.tools.store(tool, {"n": 0}, 1, cost=hits)
            for number in range(lookups):
                store.tools.check(tool, {"n": 0 if number < hits else number + 1})
        found = store.tools.effectiveness()
        assert {one.tool: one.advice for one in found} == {
            "often": "raise",
            "half": "keep",
            "few": "keep",
            "seldom": "lower",
            "never": "disable",
        }
        assert [one.tool for one in found] == ["often", "half", "few", "seldom", "never"]
        assert (found[0].ttl, found[1].ttl, found[0].hit_rate) == (60, 3_600, 0.95)
        store.tools.set_policy("often", ttl=7_200)
        assert (store.tools.effectiveness())[0].advice == "keep"

    @needs("limits")
    def test_names_beyond_the_room_are_counted_together(
        self, make_store: MakeStore, open_engine: OpenEngine
    ) -> None:
        options = CacheOptions(flush_seconds=3_600)
        store = make_store(engine=open_engine(Limits(fields=4)), caches=options)
        store.tools.check("known", ARGS)
        store.stats()
        for number in range(300):
            store.tools.check(f"t{number}", ARGS)
        store.tools.check("known", ARGS)
        stats = (store.stats()).tools
        assert stats.total.misses == 302
        assert stats.by_name["known"].misses == 2
        assert len(stats.by_name) <= 128
        assert stats.others.misses == 301 - len(stats.by_name)
        store.reset_stats()
        assert (store.stats()).tools.others == CacheCounts()

    def test_a_damaged_count_stops_no_other(self, store: Store) -> None:
        store.tools.check("t", ARGS)
        store.stats()
        ref = counts_ref(store.namespace, "tool", "t")
        (store.ready()).run(Batch(ref, (Set("misses", {"t": b'j"x"'}),)))
        for tool in ("t", "other"):
            store.tools.check(tool, ARGS)
        with pytest.raises(CodecError, match="reset"):
            store.stats()
        store.reset_stats()
        store.tools.check("t", ARGS)
        assert (store.stats()).tools.total.misses == 1
