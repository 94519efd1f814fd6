"""A state machine that drives an engine beside the memory engine and compares every answer.

    def test_mine(tmp_path):
        check_machine(lambda: partial(MyEngine, next_free(tmp_path)))

`places` is called once for each example and returns the opener of a new, empty place. The opener
takes the clock (a function that returns microseconds) and the limits. Where the engine's
capabilities allow, it is called again for the same place: for an engine beside the first, or after
it. An engine for asyncio is driven by `machine_loop.Driven`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Final, TypeVar

from hypothesis import settings as Settings  # noqa: N812 - it is a class
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep.errors import ThreadkeepError
from threadkeep.model.leases import SECOND
from threadkeep.model.options import Limits
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due, Engine, Query
from threadkeep.ops.ops import AnyGuard, AnyOp, Claimed, Get, Info, Read, ReadOp
from threadkeep.ops.reply import Reply
from threadkeep.testing import machine_draws as draws
from threadkeep.testing.machine_compare import Comparison, Difference, require
from threadkeep.testing.machine_known import Known, meant
from threadkeep.testing.machine_listing import Walk, all_of, ids_of, newest_first

T = TypeVar("T")
Opener = Callable[[Callable[[], int], Limits], Engine]
Places = Callable[[], Opener]

BEGIN: Final = 1_800_000_000 * SECOND
LIMITS: Final = Limits(fields=9, labels=2)
CLAIM: Final = 30 * SECOND
either = st.integers(0, 1)


def check_machine(places: Places, settings: Settings | None = None, *, sized: bool = True) -> None:
    """Run the machine over new places; raises with the shortest script that shows a difference.

    `sized`: the engine stores values as they are, so the sizes it counts are those of the oracle.
    """

    class Machine(EngineMachine):
        def __init__(self) -> None:
            super().__init__(places(), sized=sized)

    run_state_machine_as_test(Machine, settings=settings)


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
        self._known = Known(self._compare)
        self._walk: Walk | None = None
        self._fine = True

    def teardown(self) -> None:
        """Compare everything that stands, then close."""
        try:
            if self._fine:
                for ref in draws.REFS:
                    self._run_both(Batch(ref, _everything()))
                for namespace in draws.NAMESPACES:
                    self._list_both(Query(namespace=namespace, kind="thread", limit=50))
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
        which=either,
    )
    def run(  # noqa: PLR0917 - drawn by name
        self,
        ref: Ref,
        ops: tuple[AnyOp, ...],
        guards: tuple[AnyGuard, ...],
        otherwise: tuple[ReadOp, ...],
        once: bool,  # noqa: FBT001 - drawn by name
        which: int,
    ) -> None:
        """Run a batch."""
        known = self._known
        ops = tuple(meant(op, self._now) for op in ops)
        name = f"r{len(known.sent)}" if once else None
        here = tuple(known.guard(ref, guard, oracle=True) for guard in guards)
        there = tuple(known.guard(ref, guard, oracle=False) for guard in guards)
        first = Batch(ref, ops, here, otherwise, name)
        second = Batch(ref, ops, there, otherwise, name)
        if once:
            known.sent.append((first, second))
        self._run_both(first, second, which)

    def _write(self, ref: Ref, op: AnyOp, wait: int, which: int) -> None:
        """Run one write, after a while."""
        self._let_pass(wait)
        self._run_both(Batch(ref, (meant(op, self._now),)), which=which)

    def _read(self, ref: Ref, op: ReadOp, wait: int, which: int) -> None:
        """Run one read, after a while."""
        self._let_pass(wait)
        self._run_both(Batch(ref, (op,)), which=which)

    # rules are drawn with equal weight, and these are what most calls are
    write = rule(ref=draws.refs, op=draws.writes, wait=draws.waits, which=either)(_write)
    write_more = rule(ref=draws.refs, op=draws.writes, wait=draws.waits, which=either)(_write)
    write_still_more = rule(ref=draws.refs, op=draws.writes, wait=draws.waits, which=either)(_write)
    read = rule(ref=draws.refs, op=draws.asks, wait=draws.waits, which=either)(_read)
    read_more = rule(ref=draws.refs, op=draws.asks, wait=draws.waits, which=either)(_read)
    read_still_more = rule(ref=draws.refs, op=draws.asks, wait=draws.waits, which=either)(_read)

    @precondition(lambda self: self._known.sent)
    @rule(number=st.integers(0, 3), which=either)
    def send_again(self, number: int, which: int) -> None:
        """Send a numbered batch again."""
        first, second = self._known.sent[-1 - number % len(self._known.sent)]
        self._run_both(first, second, which)

    @precondition(lambda self: self._timed)
    @rule(by=draws.steps, back=st.sampled_from((False, False, True)))
    def move_clock(self, by: int, back: bool) -> None:  # noqa: FBT001 - drawn by name
        """Let time pass, or jump back."""
        self._let_pass(-by if back else by)

    @rule(
        ref=st.none() | draws.refs,
        token=st.none() | st.integers(0, 2),
        namespace=st.none() | st.sampled_from(draws.NAMESPACES),
        which=either,
    )
    def claim(self, ref: Ref | None, token: int | None, namespace: str | None, which: int) -> None:
        """Claim what is due, or extend a claim."""
        due = Due(lease=CLAIM, limit=64, namespace=namespace, ref=ref)
        first, second = due, due
        if token is not None and self._known.claims:
            here, there = self._known.claims[token % len(self._known.claims)]
            first = replace(due, ref=here.ref, token=here.token)
            second = replace(due, ref=there.ref, token=there.token)
        wanted = sorted(self._oracle.claim(first), key=lambda claim: claim.ref)
        got = sorted(self._engine(which).claim(second), key=lambda claim: claim.ref)
        with self._judged(due):
            self._compare.claims(wanted, got)
        self._known.add_claims(list(zip(wanted, got, strict=True)))
        self._watch_walk()

    @precondition(lambda self: self._known.claims)
    @rule(number=st.integers(0, 3), ops=draws.marks, which=either)
    def finish(self, number: int, ops: tuple[AnyOp, ...], which: int) -> None:
        """Do what the holder of a claim may: read the last state, mark, drop."""
        here, there = self._known.claims[number % len(self._known.claims)]
        first = Batch(here.ref, ops, (Claimed(here.token),))
        second = Batch(there.ref, ops, (Claimed(there.token),))
        self._run_both(first, second, which)

    @rule(query=draws.queries)
    def scan(self, query: Query) -> None:
        """List entities, all pages."""
        self._list_both(query)

    @rule(query=draws.walks, which=either)
    def walk(self, query: Query, which: int) -> None:
        """Take the next page of a listing while others write."""
        if self._walk is None:
            self._walk = Walk(query)
            self._walk.stands(self._oracle)
        with self._judged(self._walk.query):
            if self._walk.step(self._engine(which)):
                self._walk = None

    @precondition(lambda self: self._several)
    @rule(beside=st.booleans())
    def open_again(self, beside: bool) -> None:  # noqa: FBT001 - drawn by name
        """Open the same place again, beside the engine that has it open or after it."""
        if beside:
            if len(self._engines) > 1:
                self._engines.pop().close()
            self._engines.append(self._open())
        else:
            self._engines[0].close()
            self._engines[0] = self._open()

    # --- how it is done -----------------------------------------------------------------------

    def _clock(self) -> int:
        return self._now

    def _let_pass(self, by: int) -> None:
        if by and self._timed:
            self._now += by
            self._watch_walk()
            if self._walk is not None:
                self._walk.let_pass(by)

    def _open(self) -> Engine:
        engine = self._opener(self._clock, LIMITS)
        engine.setup()
        return engine

    def _engine(self, which: int) -> Engine:
        return self._engines[which % len(self._engines)]

    @contextmanager
    def _judged(self, asked: object) -> Generator[None]:
        try:
            yield
        except Difference as difference:
            self._fine = False
            raise Difference(f"{asked}: {difference}") from None

    def _run_both(self, first: Batch, second: Batch | None = None, which: int = 0) -> None:
        wanted = _outcome(lambda: self._oracle.run(first))
        got = _outcome(lambda: self._engine(which).run(second or first))
        with self._judged(first):
            if isinstance(wanted, Reply) and isinstance(got, Reply):
                self._compare.replies(wanted, got)
            else:
                require(wanted == got, f"the outcome is {got!r}, should be {wanted!r}")
        if isinstance(wanted, Reply):
            self._known.learn(first, wanted)
        self._watch_walk()

    def _watch_walk(self) -> None:
        if self._walk is not None:
            self._walk.stands(self._oracle)

    def _list_both(self, query: Query) -> None:
        wanted = all_of(self._oracle, query)
        for engine in self._engines:
            with self._judged(query):
                got = all_of(engine, query)
                self._compare.listings(wanted, got)
                if query.order == "id":
                    ids = ids_of(wanted), ids_of(got)
                    require(ids[0] == ids[1], f"pages are {ids[1]}, should be {ids[0]}")
                else:
                    newest_first(got)


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
