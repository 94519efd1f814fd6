"""Claims: an entity whose lease has run out is leased to one caller, who ends it."""

from __future__ import annotations

import pytest

from threadkeep.errors import UsageError
from threadkeep.model.leases import Sliding
from threadkeep.ops.engine import Due
from threadkeep.ops.ops import (
    Append,
    Claimed,
    Drop,
    Epoch,
    Get,
    Incr,
    Info,
    Label,
    Read,
    Revision,
    Set,
    Touch,
)
from threadkeep.ops.reply import Count, EntityInfo, Fields, Items, Nothing
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing._async.subject import LOG, MAP, AsyncSubject, answer
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import AsyncTasks


def span(clock: AsyncClock, seconds: float) -> int:
    """Return the lease of a claim, in microseconds."""
    return round(clock.span(seconds) * 1_000_000)


@pytest.mark.anyio
class TestClaim:
    """Nobody but the claimant sees an expired entity, and there is one claimant at a time."""

    @pytest.fixture
    async def expired(self, subject: AsyncSubject, clock: AsyncClock) -> AsyncSubject:
        """Return an entity whose lease has run out."""
        await subject.run(
            Set(MAP, {"a": b"j1"}),
            Append(LOG, (b"m",), ("m1",)),
            Label({"user": "alice"}),
            Touch(lease=clock.lease(5)),
        )
        await clock.pass_(6)
        return subject

    async def test_what_has_expired_is_claimed(
        self, expired: AsyncSubject, clock: AsyncClock
    ) -> None:
        due = Due(lease=span(clock, 30), namespace=expired.ref.namespace)
        (claim,) = await expired.engine.claim(due)
        assert claim.ref == expired.ref
        assert claim.ended <= clock.micros() < claim.token
        held = await expired.run(Info(), guards=[Claimed(claim.token)])
        info = answer(held, EntityInfo)
        assert (info.epoch, info.end) == (claim.epoch, claim.ended)

    async def test_what_stands_is_not_claimed(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.put(a=b"1")
        leased = subject.other("leased")
        await leased.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(50)))
        await subject.other("run out").put(clock.lease(1), a=b"1")
        await clock.pass_(6)
        for ref in (None, subject.ref, leased.ref, subject.other("never").ref):
            due = Due(lease=span(clock, 30), namespace=subject.ref.namespace, ref=ref)
            assert await subject.engine.claim(due) == ()
        assert await leased.values() == {"a": b"1"}

    async def test_an_expired_entity_is_invisible(self, expired: AsyncSubject) -> None:
        reply = await expired.run(Get(MAP), Read(LOG), Info())
        assert (reply.expired, reply.revision, reply.epoch) == (True, 0, "")
        assert reply.results == (Fields({}), Items(), Nothing())

    async def test_an_expired_entity_takes_no_write(
        self, expired: AsyncSubject, clock: AsyncClock
    ) -> None:
        for op in (Set(MAP, {"a": b"2"}), Incr(MAP, "a"), Append(LOG, (b"n",)), Drop(), Touch()):
            reply = await expired.run(op, otherwise=[Get(MAP)])
            assert (reply.ok, reply.expired) == (False, True)
            assert reply.results == (Fields({}),)
        (claim,) = await expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref))
        held = await expired.run(Get(MAP), Read(LOG), guards=[Claimed(claim.token)])
        assert {n: f.value for n, f in answer(held, Fields).fields.items()} == {"a": b"j1"}
        assert [i.value for i in answer(held, Items, 1).items] == [b"m"]

    async def test_a_claim_is_exclusive_until_it_runs_out(
        self, expired: AsyncSubject, clock: AsyncClock
    ) -> None:
        dues = [
            Due(lease=span(clock, 20), ref=expired.ref),
            Due(lease=span(clock, 20), namespace=expired.ref.namespace),
        ]
        (first,) = await expired.engine.claim(dues[0])
        await clock.pass_(10)
        for due in dues:
            assert await expired.engine.claim(due) == ()
        await clock.pass_(11)
        (second,) = await expired.engine.claim(dues[1])
        assert second.token > first.token
        assert (second.epoch, second.ended) == (first.epoch, first.ended)
        for op in (Get(MAP), Drop()):
            reply = await expired.run(op, guards=[Claimed(first.token)])
            assert not reply.ok
        assert (await expired.run(Get(MAP), guards=[Claimed(second.token)])).ok

    async def test_a_claim_is_extended_by_its_holder_only(
        self, expired: AsyncSubject, clock: AsyncClock
    ) -> None:
        engine, ref = expired.engine, expired.ref
        (first,) = await engine.claim(Due(lease=span(clock, 20), ref=ref))
        await clock.pass_(10)
        (longer,) = await engine.claim(Due(lease=span(clock, 20), ref=ref, token=first.token))
        assert longer.token > first.token
        assert await engine.claim(Due(lease=span(clock, 20), ref=ref, token=first.token)) == ()
        assert await engine.claim(Due(lease=span(clock, 20), ref=ref, token=1)) == ()
        await clock.pass_(11)
        assert await engine.claim(Due(lease=span(clock, 20), ref=ref)) == ()
        assert not (await expired.run(Get(MAP), guards=[Claimed(first.token)])).ok
        assert (await expired.run(Get(MAP), guards=[Claimed(longer.token)])).ok

    async def test_a_claim_given_back_is_free_at_once(
        self, expired: AsyncSubject, clock: AsyncClock
    ) -> None:
        engine, ref = expired.engine, expired.ref
        (claim,) = await engine.claim(Due(lease=span(clock, 50), ref=ref))
        (short,) = await engine.claim(Due(lease=span(clock, 1), ref=ref, token=claim.token))
        assert short.token < claim.token
        await clock.pass_(2)
        assert len(await engine.claim(Due(lease=span(clock, 50), ref=ref))) == 1

    async def test_concurrent_claimants_share_without_overlap(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        names = {f"t{number:03}" for number in range(60)}
        for name in names:
            await subject.other(name).run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        await clock.pass_(6)
        space = subject.ref.namespace
        due = Due(lease=span(clock, 600), limit=4, namespace=space)

        async def claim() -> list[str]:
            mine: list[str] = []
            while claims := await subject.engine.claim(due):
                assert len(claims) <= 4
                mine += [claim.ref.id for claim in claims]
                for claim in claims:
                    entity = subject.other(claim.ref.id)
                    assert (await entity.run(Drop(), guards=[Claimed(claim.token)])).ok
            return mine

        found = await AsyncTasks.together(*[claim] * 8)
        claimed = [name for mine in found for name in mine]
        assert sorted(claimed) == sorted(names)

    async def test_claims_are_narrowed_to_a_namespace(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        spaces = [subject.ref.namespace, f"{subject.ref.namespace}-b"]
        for space in spaces:
            entity = subject.other(namespace=space)
            await entity.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        await clock.pass_(6)
        for space in spaces:
            claims = await subject.engine.claim(Due(lease=span(clock, 60), namespace=space))
            assert [c.ref.namespace for c in claims] == [space]

    async def test_without_a_namespace_it_claims_in_all(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        spaces = {subject.ref.namespace, f"{subject.ref.namespace}-b"}
        for space in spaces:
            entity = subject.other(namespace=space)
            await entity.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        await clock.pass_(6)
        found: set[str] = set()
        while claims := await subject.engine.claim(Due(lease=span(clock, 600), limit=1)):
            found |= {c.ref.namespace for c in claims}
        assert found == spaces

    async def test_every_kind_is_claimed(self, subject: AsyncSubject, clock: AsyncClock) -> None:
        for kind in ("thread", "user", "kv"):
            await subject.other(kind=kind).run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        await clock.pass_(6)
        due = Due(lease=span(clock, 60), namespace=subject.ref.namespace)
        claims = await subject.engine.claim(due)
        assert sorted(c.ref.kind for c in claims) == ["kv", "thread", "user"]

    async def test_ending_it_leaves_a_tombstone_and_room(
        self, expired: AsyncSubject, clock: AsyncClock
    ) -> None:
        (claim,) = await expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref))
        guards = [Claimed(claim.token)]
        assert (await expired.run(Drop(), guards=guards)).results == (Count(2),)
        assert not (await expired.run(Drop(), guards=guards)).ok
        reply = await expired.run(Set(MAP, {"a": b"2"}), guards=[Epoch(claim.epoch)])
        assert (reply.ok, reply.failed) == (False, 0)
        reply = await expired.run(Set(MAP, {"a": b"2"}), guards=[Revision(0)])
        assert reply.ok
        assert reply.epoch != claim.epoch
        assert await expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref)) == ()

    async def test_the_claimant_may_mark_but_not_write(
        self, expired: AsyncSubject, clock: AsyncClock
    ) -> None:
        (claim,) = await expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref))
        guards = [Claimed(claim.token)]
        before = (await expired.run(Get(MAP), Read(LOG), Info(), guards=guards)).results
        for op in (Set(MAP, {"a": b"2"}), Append(LOG, (b"n",)), Label({"x": "y"}), Incr(MAP, "n")):
            with pytest.raises(UsageError):
                await expired.run(op, guards=guards)
        assert (await expired.run(Set("#end", {"handler": b"jtrue"}), guards=guards)).ok
        assert (await expired.run(Get(MAP), Read(LOG), Info(), guards=guards)).results == before
        marks = answer(await expired.run(Get("#end"), guards=guards), Fields)
        assert list(marks.fields) == ["handler"]

    @needs("clock")
    async def test_the_claimant_sees_it_as_it_was_at_its_end(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.run(Set(MAP, {"same": b"1"}, Sliding(10)), Touch(lease=Sliding(10)))
        await subject.run(Set(MAP, {"short": b"1"}, Sliding(4)), Set(MAP, {"long": b"1"}))
        clock.jump(3_600)
        (claim,) = await subject.engine.claim(Due(lease=30_000_000, ref=subject.ref))
        for _ in range(2):
            clock.jump(10)
            reply = await subject.run(Get(MAP), guards=[Claimed(claim.token)])
            assert sorted(answer(reply, Fields).fields) == ["long", "same"]

    async def test_reclaiming_is_a_by_product(
        self, subject: AsyncSubject, clock: AsyncClock
    ) -> None:
        await subject.put(clock.lease(5), a=b"1" * 100)
        await subject.put(b=b"1")
        await clock.pass_(6)
        due = Due(lease=span(clock, 30), namespace=subject.ref.namespace)
        assert await subject.engine.claim(due) == ()
        info = await subject.info()
        assert info is not None and (info.fields, info.revision) == (1, 2)
        assert await subject.values() == {"b": b"1"}
