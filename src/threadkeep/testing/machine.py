"""A state machine that drives an engine beside the memory engine and compares every answer.

    def test_mine(tmp_path):
        check_machine(lambda: partial(MyEngine, next_free(tmp_path)))

`places` is called once for each example and returns the opener of a new, empty place. The opener takes
the clock (a function that returns microseconds) and the limits; where the engine's capabilities allow, it
is called again for the same place: a second engine beside the first, or one after it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from hypothesis import settings as Settings  # noqa: N812 - it is a class
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from msgspec.structs import replace

from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep.errors import ThreadkeepError
from threadkeep.model.leases import SECOND, Lease
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due, Engine, Listed, Page, Query
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Append,
    Claimed,
    Epoch,
    Get,
    Incr,
    Info,
    Read,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import Reply
from threadkeep.testing import machine_draws as draws
from threadkeep.testing.machine_compare import Comparison, Difference, require
from threadkeep.testing.machine_listing import Walk, all_of, newest_first

T = TypeVar("T")
Opener = Callable[[Callable[[], int], Limits], Engine]
Places = Callable[[], Opener]

BEGIN: Final = 1_800_000_000 * SECOND
LIMITS: Final = Limits(fields=9, labels=2)
CLAIM: Final = 30 * SECOND
HEAVY: Final = b"b" + b"\xff" * 300_000


def check_machine(places: Places, settings: Settings | None = None, *, sized: bool = True) -> None:
    """Run the machine over new places; raises with the shortest script that shows a difference.

    `sized`: the engine stores values as they are, so that the sizes it counts are those of the oracle.
    """

    class Machine(EngineMachine):
        def __init__(self) -> None:
            super().__init__(places(), sized=sized)

    run_state_machine_as_test(Machine, settings=settings)  # pyright: ignore[reportUnknownMemberType] - untyped there


class EngineMachine(RuleBasedStateMachine):
    """One script of calls, made on the memory engine and on the engine under test alike."""

    def __init__(self, opener: Opener, *, sized: bool) -> None:
        super().__init__()
        self._now = BEGIN
        self._opener = opener
        self._oracle = MemoryEngine(self._clock, LIMITS)
        self._oracle.setup()
        self._engines = [self._open()]
        able = self._engines[0].capabilities
        self._timed, self._several = able.clock, able.processes
        self._compare = Comparison(timed=self._timed, sized=sized)
        self._revisions: dict[Ref, int] = {}
        self._field_revisions: dict[tuple[Ref, str, str], int] = {}
        self._epochs: list[str] = []
        self._claims: list[tuple[Claim, Claim]] = []
        self._sent: list[tuple[Batch, Batch]] = []
        self._walk: Walk | None = None

    def _clock(self) -> int:
        return self._now

    def _open(self) -> Engine:
        engine = self._opener(self._clock, LIMITS)
        engine.setup()
        return engine

    def teardown(self) -> None:
        """Compare everything that stands, then close."""
        try:
            for ref in draws.REFS:
                self._run_both(Batch(ref, _everything()))
            for namespace in draws.NAMESPACES:
                self._compare_listing(Query(namespace=namespace, kind="thread", limit=50))
        finally:
            for engine in self._engines:
                engine.close()

    # --- what is done -------------------------------------------------------------------------

    @rule(
        ref=draws.refs,
        ops=draws.ops,
        guards=draws.guards,
        otherwise=draws.otherwise,
        once=st.booleans(),
        which=st.integers(0, 1),
    )
    def run(
        self,
        ref: Ref,
        ops: tuple[AnyOp, ...],
        guards: tuple[AnyGuard, ...],
        otherwise: tuple[Info | Get | Read, ...],
        once: bool,  # noqa: FBT001 - drawn by name
        which: int,
    ) -> None:
        """Run a batch."""
        meant = tuple(self._meant(op) for op in ops)
        name = f"r{len(self._sent)}" if once else None
        here = tuple(self._guard(ref, guard, here=True) for guard in guards)
        there = tuple(self._guard(ref, guard, here=False) for guard in guards)
        first = Batch(ref, meant, here, otherwise, name)
        second = Batch(ref, meant, there, otherwise, name)
        if once:
            self._sent.append((first, second))
        self._run_both(first, second, which)

    @precondition(lambda self: self._sent)
    @rule(number=st.integers(0, 3), which=st.integers(0, 1))
    def send_again(self, number: int, which: int) -> None:
        """Send a batch with a request id again."""
        first, second = self._sent[-1 - number % len(self._sent)]
        self._run_both(first, second, which)

    @precondition(lambda self: self._timed)
    @rule(by=draws.steps, back=st.booleans())
    def move_clock(self, by: int, back: bool) -> None:  # noqa: FBT001 - drawn by name
        """Let time pass, or jump back."""
        self._now += -by if back else by

    @rule(
        ref=st.none() | draws.refs,
        token=st.none() | st.integers(0, 2),
        namespace=st.none() | st.sampled_from(draws.NAMESPACES),
        which=st.integers(0, 1),
    )
    def claim(self, ref: Ref | None, token: int | None, namespace: str | None, which: int) -> None:
        """Claim what is due, or extend a claim."""
        due = Due(lease=CLAIM, limit=64, namespace=namespace, ref=ref)
        first, second = due, due
        if token is not None and self._claims:
            here, there = self._claims[token % len(self._claims)]
            first = replace(due, ref=here.ref, token=here.token)
            second = replace(due, ref=there.ref, token=there.token)
        wanted = sorted(self._oracle.claim(first), key=lambda claim: claim.ref)
        got = sorted(self._engine(which).claim(second), key=lambda claim: claim.ref)
        for one, other in zip(wanted, got, strict=False):
            self._compare.epochs(one.epoch, other.epoch)
            if self._timed:
                ends = (one.token, one.ended), (other.token, other.ended)
                require(ends[0] == ends[1], f"claimed until {ends[1]}, should be {ends[0]}")
        refs = [c.ref for c in wanted], [c.ref for c in got]
        require(refs[0] == refs[1], f"claimed {refs[1]}, should be {refs[0]}")
        self._claims = [*zip(wanted, got, strict=True), *self._claims][:4]

    @precondition(lambda self: self._claims)
    @rule(number=st.integers(0, 3), ops=draws.marks, which=st.integers(0, 1))
    def finish(self, number: int, ops: tuple[AnyOp, ...], which: int) -> None:
        """Do what the holder of a claim may: read the last state, mark, drop."""
        here, there = self._claims[number % len(self._claims)]
        first = Batch(here.ref, ops, (Claimed(here.token),))
        second = Batch(there.ref, ops, (Claimed(there.token),))
        self._run_both(first, second, which)

    @rule(
        namespace=st.sampled_from(draws.NAMESPACES),
        kind=st.sampled_from(("thread", "user")),
        prefix=st.none() | st.sampled_from(("", "acm", "acme", "acme:", "b")),
        labels=st.dictionaries(
            st.sampled_from(draws.LABELS), st.sampled_from(draws.LABEL_VALUES), max_size=2
        ),
        limit=st.sampled_from((1, 2, 3, 50)),
    )
    def scan(
        self, namespace: str, kind: str, prefix: str | None, labels: dict[str, str], limit: int
    ) -> None:
        """List entities, all pages."""
        order = "newest" if prefix is None else "id"
        self._compare_listing(
            Query(
                namespace=namespace,
                kind=kind,
                order=order,
                prefix=prefix or None,
                labels=tuple(labels.items()),
                limit=limit,
            )
        )

    @rule(
        by_id=st.booleans(), labels=st.sampled_from(((), (("user", "alice"),))), which=st.integers(0, 1)
    )
    def walk(
        self, by_id: bool, labels: tuple[tuple[str, str], ...], which: int  # noqa: FBT001 - drawn by name
    ) -> None:
        """Take the next page of a listing while others write."""
        if self._walk is None:
            order = "id" if by_id else "newest"
            query = Query(namespace="n", kind="thread", order=order, labels=labels, limit=1)
            self._walk = Walk(query)
            self._walk.stands(self._oracle)
        if self._walk.step(self._engine(which)):
            self._walk = None

    @precondition(lambda self: self._several)
    @rule(beside=st.booleans())
    def open_again(self, beside: bool) -> None:  # noqa: FBT001 - drawn by name
        """Open the same place again, beside the engine that has it open or after it."""
        if beside and len(self._engines) > 1:
            self._engines.pop().close()
        if not beside:
            self._engines[0].close()
            self._engines[0] = self._open()
        else:
            self._engines.append(self._open())

    # --- how it is done -----------------------------------------------------------------------

    def _engine(self, which: int) -> Engine:
        return self._engines[which % len(self._engines)]

    def _run_both(self, first: Batch, second: Batch | None = None, which: int = 0) -> None:
        wanted = _outcome(lambda: self._oracle.run(first))
        got = _outcome(lambda: self._engine(which).run(second or first))
        try:
            if isinstance(wanted, Reply) and isinstance(got, Reply):
                self._compare.replies(wanted, got)
            else:
                require(wanted == got, f"the outcome is {got!r}, should be {wanted!r}")
        except Difference as difference:
            raise Difference(f"{first}: {difference}") from None
        if isinstance(wanted, Reply):
            self._learn(first, wanted)
        if self._walk is not None:
            self._walk.stands(self._oracle)

    def _learn(self, batch: Batch, reply: Reply) -> None:
        self._revisions[batch.ref] = reply.revision
        if reply.epoch and reply.epoch not in self._epochs:
            self._epochs.insert(0, reply.epoch)
        if reply.changed:
            for op in batch.ops:
                if isinstance(op, Set):
                    for name in op.items:
                        self._field_revisions[batch.ref, op.map, name] = reply.revision

    def _meant(self, op: AnyOp) -> AnyOp:
        if isinstance(op, (Set, Incr, Touch)) and op.lease is not None and op.lease.end is not None:
            op = replace(op, lease=Lease(op.lease.window, self._now + op.lease.end))
        if isinstance(op, Set):
            return replace(op, items={name: _value(value) for name, value in op.items.items()})
        if isinstance(op, Append):
            return replace(op, items=tuple(map(_value, op.items)))
        if isinstance(op, Restore):
            items = tuple(replace(item, value=_value(item.value)) for item in op.items)
            return replace(op, items=items)
        return op

    def _guard(self, ref: Ref, guard: AnyGuard, *, here: bool) -> AnyGuard:
        if isinstance(guard, Same):
            last = self._field_revisions.get((ref, guard.map, guard.field), 1)
            return Same(guard.map, guard.field, max(0, last - guard.revision))
        if isinstance(guard, Revision):
            return Revision(max(0, self._revisions.get(ref, 0) - guard.revision))
        if isinstance(guard, Claimed):
            if not self._claims:
                return Claimed(guard.token)
            pair = self._claims[guard.token % len(self._claims)]
            return Claimed(pair[0 if here else 1].token)
        if isinstance(guard, Epoch) and guard.epoch.isdigit() and self._epochs:
            epoch = self._epochs[int(guard.epoch) % len(self._epochs)]
            return Epoch(epoch if here else self._compare.there(epoch))
        return guard

    def _compare_listing(self, query: Query) -> None:
        wanted = all_of(self._oracle, query)
        for engine in self._engines:
            got = all_of(engine, query)
            listed = [one for page in got for one in page.items]
            oracle = [one for page in wanted for one in page.items]
            self._compare.listings(oracle, listed)
            if query.order == "id":
                require(_ids(got) == _ids(wanted), f"pages {_ids(got)}, should be {_ids(wanted)}")
            else:
                newest_first(got)


def _value(drawn: bytes) -> bytes:
    return HEAVY if drawn == draws.HEAVY else drawn


def _ids(pages: list[Page]) -> list[list[str]]:
    return [[listed.ref.id for listed in page.items] for page in pages]


def _outcome(call: Callable[[], T]) -> T | type[ThreadkeepError]:
    try:
        return call()
    except ThreadkeepError as error:
        return type(error)


def _everything() -> tuple[AnyOp, ...]:
    return (
        Info(),
        *(Get(name, renew=False) for name in draws.MAPS),
        *(Read(name) for name in draws.LOGS),
    )
