# Generated from src/threadkeep/testing/_async/claim.py by scripts/unasync. Do not edit.
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
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing._sync.subject import LOG, MAP, Subject, answer
from threadkeep.testing.needs import needs
from threadkeep.testing.tasks import Tasks


def span(clock: Clock, seconds: float) -> int:
    """Return the lease of a claim, in microseconds."""
    return round(clock.span(seconds) * 1_000_000)


class TestClaim:
    """Nobody but the claimant sees an expired entity, and there is one claimant at a time."""

    @pytest.fixture
    def expired(self, subject: Subject, clock: Clock) -> Subject:
        """Return an entity whose lease has run out."""
        subject.run(
            Set(MAP, {"a": b"j1"}),
            Append(LOG, (b"m",), ("m1",)),
            Label({"user": "alice"}),
            Touch(lease=clock.lease(5)),
        )
        clock.pass_(6)
        return subject

    def test_what_has_expired_is_claimed(self, expired: Subject, clock: Clock) -> None:
        due = Due(lease=span(clock, 30), namespace=expired.ref.namespace)
        (claim,) = expired.engine.claim(due)
        assert claim.ref == expired.ref
        assert claim.ended <= clock.micros() < claim.token
        held = expired.run(Info(), guards=[Claimed(claim.token)])
        info = answer(held, EntityInfo)
        assert (info.epoch, info.end) == (claim.epoch, claim.ended)

    def test_what_stands_is_not_claimed(self, subject: Subject, clock: Clock) -> None:
        subject.put(a=b"1")
        leased = subject.other("leased")
        leased.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(50)))
        subject.other("run out").put(clock.lease(1), a=b"1")
        clock.pass_(6)
        for ref in (None, subject.ref, leased.ref, subject.other("never").ref):
            due = Due(lease=span(clock, 30), namespace=subject.ref.namespace, ref=ref)
            assert subject.engine.claim(due) == ()
        assert leased.values() == {"a": b"1"}

    def test_an_expired_entity_is_invisible(self, expired: Subject) -> None:
        reply = expired.run(Get(MAP), Read(LOG), Info())
        assert (reply.expired, reply.revision, reply.epoch) == (True, 0, "")
        assert reply.results == (Fields({}), Items(), Nothing())

    def test_an_expired_entity_takes_no_write(self, expired: Subject, clock: Clock) -> None:
        for op in (Set(MAP, {"a": b"2"}), Incr(MAP, "a"), Append(LOG, (b"n",)), Drop(), Touch()):
            reply = expired.run(op, otherwise=[Get(MAP)])
            assert (reply.ok, reply.expired) == (False, True)
            assert reply.results == (Fields({}),)
        (claim,) = expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref))
        held = expired.run(Get(MAP), Read(LOG), guards=[Claimed(claim.token)])
        assert {n: f.value for n, f in answer(held, Fields).fields.items()} == {"a": b"j1"}
        assert [i.value for i in answer(held, Items, 1).items] == [b"m"]

    def test_a_claim_is_exclusive_until_it_runs_out(self, expired: Subject, clock: Clock) -> None:
        dues = [
            Due(lease=span(clock, 20), ref=expired.ref),
            Due(lease=span(clock, 20), namespace=expired.ref.namespace),
        ]
        (first,) = expired.engine.claim(dues[0])
        clock.pass_(10)
        for due in dues:
            assert expired.engine.claim(due) == ()
        clock.pass_(11)
        (second,) = expired.engine.claim(dues[1])
        assert second.token > first.token
        assert (second.epoch, second.ended) == (first.epoch, first.ended)
        for op in (Get(MAP), Drop()):
            reply = expired.run(op, guards=[Claimed(first.token)])
            assert not reply.ok
        assert (expired.run(Get(MAP), guards=[Claimed(second.token)])).ok

    def test_a_claim_is_extended_by_its_holder_only(self, expired: Subject, clock: Clock) -> None:
        engine, ref = expired.engine, expired.ref
        (first,) = engine.claim(Due(lease=span(clock, 20), ref=ref))
        clock.pass_(10)
        (longer,) = engine.claim(Due(lease=span(clock, 20), ref=ref, token=first.token))
        assert longer.token > first.token
        assert engine.claim(Due(lease=span(clock, 20), ref=ref, token=first.token)) == ()
        assert engine.claim(Due(lease=span(clock, 20), ref=ref, token=1)) == ()
        clock.pass_(11)
        assert engine.claim(Due(lease=span(clock, 20), ref=ref)) == ()
        assert not (expired.run(Get(MAP), guards=[Claimed(first.token)])).ok
        assert (expired.run(Get(MAP), guards=[Claimed(longer.token)])).ok

    def test_a_claim_given_back_is_free_at_once(self, expired: Subject, clock: Clock) -> None:
        engine, ref = expired.engine, expired.ref
        (claim,) = engine.claim(Due(lease=span(clock, 50), ref=ref))
        (short,) = engine.claim(Due(lease=span(clock, 1), ref=ref, token=claim.token))
        assert short.token < claim.token
        clock.pass_(2)
        assert len(engine.claim(Due(lease=span(clock, 50), ref=ref))) == 1

    def test_concurrent_claimants_share_without_overlap(
        self, subject: Subject, clock: Clock
    ) -> None:
        names = {f"t{number:03}" for number in range(60)}
        for name in names:
            subject.other(name).run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        clock.pass_(6)
        space = subject.ref.namespace
        due = Due(lease=span(clock, 600), limit=4, namespace=space)

        def claim() -> list[str]:
            mine: list[str] = []
            while claims := subject.engine.claim(due):
                assert len(claims) <= 4
                mine += [claim.ref.id for claim in claims]
                for claim in claims:
                    entity = subject.other(claim.ref.id)
                    assert (entity.run(Drop(), guards=[Claimed(claim.token)])).ok
            return mine

        found = Tasks.together(*[claim] * 8)
        claimed = [name for mine in found for name in mine]
        assert sorted(claimed) == sorted(names)

    def test_claims_are_narrowed_to_a_namespace(self, subject: Subject, clock: Clock) -> None:
        spaces = [subject.ref.namespace, f"{subject.ref.namespace}-b"]
        for space in spaces:
            entity = subject.other(namespace=space)
            entity.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        clock.pass_(6)
        for space in spaces:
            claims = subject.engine.claim(Due(lease=span(clock, 60), namespace=space))
            assert [c.ref.namespace for c in claims] == [space]

    def test_without_a_namespace_it_claims_in_all(self, subject: Subject, clock: Clock) -> None:
        spaces = {subject.ref.namespace, f"{subject.ref.namespace}-b"}
        for space in spaces:
            entity = subject.other(namespace=space)
            entity.run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        clock.pass_(6)
        found: set[str] = set()
        while claims := subject.engine.claim(Due(lease=span(clock, 600), limit=1)):
            found |= {c.ref.namespace for c in claims}
        assert found == spaces

    def test_every_kind_is_claimed(self, subject: Subject, clock: Clock) -> None:
        for kind in ("thread", "user", "kv"):
            subject.other(kind=kind).run(Set(MAP, {"a": b"1"}), Touch(lease=clock.lease(5)))
        clock.pass_(6)
        due = Due(lease=span(clock, 60), namespace=subject.ref.namespace)
        claims = subject.engine.claim(due)
        assert sorted(c.ref.kind for c in claims) == ["kv", "thread", "user"]

    def test_ending_it_leaves_a_tombstone_and_room(self, expired: Subject, clock: Clock) -> None:
        (claim,) = expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref))
        guards = [Claimed(claim.token)]
        assert (expired.run(Drop(), guards=guards)).results == (Count(2),)
        assert not (expired.run(Drop(), guards=guards)).ok
        reply = expired.run(Set(MAP, {"a": b"2"}), guards=[Epoch(claim.epoch)])
        assert (reply.ok, reply.failed) == (False, 0)
        reply = expired.run(Set(MAP, {"a": b"2"}), guards=[Revision(0)])
        assert reply.ok
        assert reply.epoch != claim.epoch
        assert expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref)) == ()

    def test_the_claimant_may_mark_but_not_write(self, expired: Subject, clock: Clock) -> None:
        (claim,) = expired.engine.claim(Due(lease=span(clock, 30), ref=expired.ref))
        guards = [Claimed(claim.token)]
        before = (expired.run(Get(MAP), Read(LOG), Info(), guards=guards)).results
        for op in (Set(MAP, {"a": b"2"}), Append(LOG, (b"n",)), Label({"x": "y"}), Incr(MAP, "n")):
            with pytest.raises(UsageError):
                expired.run(op, guards=guards)
        assert (expired.run(Set("#end", {"handler": b"jtrue"}), guards=guards)).ok
        assert (expired.run(Get(MAP), Read(LOG), Info(), guards=guards)).results == before
        marks = answer(expired.run(Get("#end"), guards=guards), Fields)
        assert list(marks.fields) == ["handler"]

    @needs("clock")
    def test_the_claimant_sees_it_as_it_was_at_its_end(
        self, subject: Subject, clock: Clock
    ) -> None:
        subject.run(Set(MAP, {"same": b"1"}, Sliding(10)), Touch(lease=Sliding(10)))
        subject.run(Set(MAP, {"short": b"1"}, Sliding(4)), Set(MAP, {"long": b"1"}))
        clock.jump(3_600)
        (claim,) = subject.engine.claim(Due(lease=30_000_000, ref=subject.ref))
        for _ in range(2):
            clock.jump(10)
            reply = subject.run(Get(MAP), guards=[Claimed(claim.token)])
            assert sorted(answer(reply, Fields).fields) == ["long", "same"]

    def test_reclaiming_is_a_by_product(self, subject: Subject, clock: Clock) -> None:
        subject.put(clock.lease(5), a=b"1" * 100)
        subject.put(b=b"1")
        clock.pass_(6)
        due = Due(lease=span(clock, 30), namespace=subject.ref.namespace)
        assert subject.engine.claim(due) == ()
        info = subject.info()
        assert info is not None and (info.fields, info.revision) == (1, 2)
        assert subject.values() == {"b": b"1"}
