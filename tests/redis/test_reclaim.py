"""What has run out does not pile up in an entity that lives long, and no call pays for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from tests.redis.engine import clocked
from tests.servers.redis import RedisServer
from threadkeep import Store
from threadkeep.model.leases import FOREVER, SECOND, Lease
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due
from threadkeep.ops.ops import Get, Info, Set
from threadkeep.ops.reply import EntityInfo, Fields

REF = Ref("n", "thread", "long-lived")
STRETCH = 100  # what one call looks at, see lua/1_entity.lua


class Life:
    """One entity, and the server's view of it."""

    def __init__(self, server: RedisServer, prefix: str) -> None:
        self.now = 1_800_000_000 * SECOND
        self.engine = clocked(server.url, prefix, lambda: self.now, Limits())
        self.engine.setup()
        self._server, self._key = server.client(), f"{prefix}:{{n:0}}:t:{REF.id}"

    def write(self, name: str, lease: Lease = FOREVER, field_map: str = "state") -> None:
        reply = self.engine.run(Batch(REF, (Set(field_map, {name: b"j1"}, lease),)))
        assert reply.ok

    @property
    def stored(self) -> int:
        return self._server.hlen(self._key)  # type: ignore[return-value]

    def fields(self) -> set[str]:
        (found,) = self.engine.run(Batch(REF, (Get("state"),))).results
        assert isinstance(found, Fields)
        return set(found.fields)


@pytest.fixture
def life(redis7: RedisServer, tk_prefix: str) -> Iterator[Life]:
    life = Life(redis7, tk_prefix)
    yield life
    life.engine.close()


@pytest.mark.parametrize("alive", [50, 1_500])
def test_ten_thousand_short_fields_over_time(life: Life, alive: int) -> None:
    life.write("keep")
    most = 0
    for number in range(0, 10_000, 5):
        life.now += 5 * SECOND
        some = {f"f{n}": b"j1" for n in range(number, number + 5)}
        life.engine.run(Batch(REF, (Set("state", some, Lease(alive * SECOND)),)))
        if number % 50 == 0:
            most = max(most, life.stored)
    assert most <= alive + 100, "what has run out piles up"
    assert life.fields() == {"keep", *(f"f{n}" for n in range(10_000 - alive, 10_000))}


def test_one_call_looks_at_a_stretch(life: Life) -> None:
    """Many ends at once: each call buries some, and none of what is over is ever seen."""
    for start in range(0, 5_000, 500):
        many = {f"f{number}": b"j1" for number in range(start, start + 500)}
        life.engine.run(Batch(REF, (Set("state", many, Lease(60 * SECOND)),)))
    life.write("keep")
    life.now += 61 * SECOND
    before = life.stored
    life.write("first")
    assert before - 3 * STRETCH <= life.stored < before, "a call pays for what it did not cause"
    (found,) = life.engine.run(Batch(REF, (Info(),))).results
    assert isinstance(found, EntityInfo)
    assert found.fields == 2
    for number in range(200):
        life.write(f"later{number % 3}")
    assert life.stored <= 10
    assert life.fields() == {"keep", "first", "later0", "later1", "later2"}


def test_the_limit_counts_what_lives(life: Life) -> None:
    for start in range(0, 10_000, 1_000):
        many = {f"f{number}": b"j1" for number in range(start, start + 1_000)}
        life.engine.run(Batch(REF, (Set("state", many, Lease(60 * SECOND)),)))
    life.now += 61 * SECOND
    life.write("fits")
    assert life.fields() == {"fits"}


def test_a_clock_that_jumps_back_revives_nothing_that_was_seen_to_be_over(life: Life) -> None:
    many = {f"f{number}": b"j1" for number in range(2_000)}
    life.engine.run(Batch(REF, (Set("state", many, Lease(60 * SECOND)),)))
    life.now += 61 * SECOND
    (found,) = life.engine.run(Batch(REF, (Get("state", ("f7",)),))).results
    assert isinstance(found, Fields)
    assert not found.fields
    life.now -= 30 * SECOND
    (found,) = life.engine.run(Batch(REF, (Get("state", ("f7",)),))).results
    assert isinstance(found, Fields)
    assert not found.fields


def test_a_sweep_goes_on_where_a_write_stopped(life: Life) -> None:
    """Maps of their own as well, and what a crashed caller left in none."""
    for field_map in ("state", "other"):
        many = {f"f{number}": b"j1" for number in range(1_000)}
        life.engine.run(Batch(REF, (Set(field_map, many, Lease(60 * SECOND)),)))
        life.write("keep", field_map=field_map)
    life.now += 61 * SECOND
    for _ in range(60):
        life.engine.claim(Due(lease=SECOND, ref=REF))
    assert life.stored <= 3
    (found,) = life.engine.run(Batch(REF, (Get("other"),))).results
    assert isinstance(found, Fields)
    assert set(found.fields) == {"keep"}


@pytest.mark.parametrize(("ttl", "least"), [(FOREVER, None), (1_800, 23 * 3_600)])
def test_who_is_begun_anew_does_not_end_with_the_tombstone(
    redis7: RedisServer, tk_prefix: str, ttl: Any, least: int | None
) -> None:
    """The server forgets a tombstone after a day: not the thread that stands there now, nor any earlier."""
    with Store(f"{redis7.url}?prefix={tk_prefix}") as store, redis7.client() as client:
        store.thread("t").state.set("a", 1)
        store.thread("t").destroy()
        store.thread("t").state.set("a", 1, ttl=ttl)
        left = cast("int", client.ttl(f"{tk_prefix}:{{default:0}}:t:t"))
    assert left == -1 if least is None else left >= least


def test_a_large_value_in_the_place_of_what_has_run_out(life: Life) -> None:
    """The entity is forgotten and born again in the call that brings it."""
    big = b"b" + b"x" * 100_000
    for _ in range(2):
        life.engine.run(Batch(REF, (Set("state", {"big": big}, Lease(60 * SECOND)),)))
        (found,) = life.engine.run(Batch(REF, (Get("state", ("big",)),))).results
        assert isinstance(found, Fields)
        assert found.fields["big"].value == big
        life.now += 10 * 86_400 * SECOND
