# Generated from src/threadkeep/_async/lifecycle.py by scripts/unasync. Do not edit.
"""The end of threads: who is told, exactly once where nobody dies, and again where somebody did."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from threadkeep._sync.scope import Scope
from threadkeep.concurrency import Flow, Periodic
from threadkeep.errors import ThreadkeepError, Unavailable, UsageError
from threadkeep.layers import ending
from threadkeep.model.ids import event_id
from threadkeep.model.leases import SECOND, moment
from threadkeep.model.records import Swept
from threadkeep.model.refs import Ref
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Claim, Due
from threadkeep.ops.ops import Claimed, Drop, Info
from threadkeep.ops.reply import Count

if TYPE_CHECKING:
    from threadkeep._sync.entity import Thread
    from threadkeep._sync.store import Store

log = logging.getLogger("threadkeep")
DESTROYED = "thread.destroyed"
CLAIM_SECONDS = 30
AT_ONCE = 16
PATIENCE = 30.0
LONGEST_BACKOFF = 3600 * SECOND

Reason = Literal["expired", "destroyed"]


class Hold:
    """A claim as it is extended; `token` None: it was lost."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.token = claim.token


class ThreadEvent(msgspec.Struct, frozen=True):
    """The end of a thread: `thread` reads its last state; `id` is the same when the event comes again."""

    id: str
    name: str
    reason: Reason
    thread: Thread
    ended_at: datetime


Handler = Callable[[ThreadEvent], object]


class Lifecycle:
    """Handlers of a store and the path on which an expired thread ends."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._handlers: dict[str, Handler] = {}

    @property
    def handled(self) -> bool:
        """Tell whether anybody wants to be told."""
        return bool(self._handlers)

    def on(self, event: str, handler: Handler, name: str | None) -> Callable[[], None]:
        """Register a handler; the returned function takes it back."""
        if event != DESTROYED:
            raise UsageError(f"event {event!r} is unknown; there is {DESTROYED!r}")
        base = (
            name
            or f"{getattr(handler, '__module__', '')}.{getattr(handler, '__qualname__', 'handler')}"
        )
        if name is not None and name in self._handlers:
            raise UsageError(f"a handler named {name!r} is registered already")
        key, number = base, 1
        while key in self._handlers:
            number += 1
            key = f"{base}#{number}"
        self._handlers[key] = handler

        def off() -> None:
            self._handlers.pop(key, None)

        return off

    def sweep(self, ending: Callable[[], bool] = lambda: False) -> Swept:
        """End every thread whose lease has run out; other processes may do so at the same time.

        Stops early, after the threads in hand, when `ending()` says so.
        """
        engine = self._store.engine or self._store.ready()
        outcomes: list[bool] = []

        def one(claim: Claim) -> None:
            outcomes.append(self.finish(claim))

        while True:
            due = Due(lease=CLAIM_SECONDS * SECOND, limit=AT_ONCE)
            claims = () if ending() else engine.claim(due)
            if not claims:
                return Swept(sum(outcomes), len(outcomes) - sum(outcomes))
            Flow.each(claims, one, AT_ONCE)

    def end(self, ref: Ref, *, wait: bool) -> bool:
        """End one expired entity now, or with `wait` see another process end it; True when it has ended.

        Raises Unavailable when it stands after 30 seconds or a handler failed.
        """
        engine = self._store.engine or self._store.ready()
        waited, pause = 0.0, 0.005
        while True:
            claims = engine.claim(Due(lease=CLAIM_SECONDS * SECOND, ref=ref))
            if claims:
                done = self.finish(claims[0])
                if done or not wait:
                    return done
                raise Unavailable(
                    f"{ref} has expired and a {DESTROYED} handler failed; try again later"
                )
            if not (engine.run(Batch(ref, (Info(),)))).expired:
                return True
            if not wait:
                return False
            if waited > PATIENCE:
                raise Unavailable(
                    f"{ref} has expired and its handlers are not done; try again later"
                )
            Flow.sleep(pause)
            waited, pause = waited + pause, min(pause * 2, 0.25)

    def finish(self, claim: Claim) -> bool:
        """Tell the handlers of a claimed entity's end, then remove it; False when one failed."""
        return self.conclude(claim) is not None

    def conclude(self, claim: Claim) -> int | None:
        """Do as `finish`; return how many fields and items went, None when a handler failed or the claim was lost."""
        engine = self._store.engine or self._store.ready()
        hold = Hold(claim)
        if self._handlers and claim.ref.kind == "thread":
            told = False
            try:
                told = self._tell(hold)
            finally:
                if not told:
                    Flow.finish(self._put_off(hold))
            if not told:
                return None
        reply = engine.run(Batch(claim.ref, (Drop(),), (Claimed(hold.token),)))
        result = reply.results[0] if reply.ok else None
        return result.count if isinstance(result, Count) else None

    def _put_off(self, hold: Hold) -> None:
        """Give the claim back for a later try: the longer the thread has been due, the later."""
        engine = self._store.engine or self._store.ready()
        pause = max(SECOND, min(hold.token - hold.claim.ended, LONGEST_BACKOFF))
        engine.claim(Due(lease=pause, ref=hold.claim.ref, token=hold.token))

    def _tell(self, hold: Hold) -> bool:
        from threadkeep._sync.entity import Thread

        scope = Scope(self._store, hold.claim.ref, hold)
        keeper = Periodic(lambda: self._extend(hold), CLAIM_SECONDS / 3)
        keeper.start()
        try:
            marks = scope.read(ending.marks(hold.claim.ref))
            event = ThreadEvent(
                id=event_id(hold.claim.epoch),
                name=DESTROYED,
                reason="destroyed" if ending.ASKED in marks else "expired",
                thread=Thread(scope),
                ended_at=moment(hold.claim.ended),
            )
            failed = False
            for name, handler in list(self._handlers.items()):
                if name not in marks and not self._call(scope, name, handler, event):
                    failed = True
        except ThreadkeepError as error:
            log.warning("end of a thread not handled: %s", type(error).__name__)
            return False
        finally:
            keeper.stop()
        return not failed

    def _call(self, scope: Scope, name: str, handler: Handler, event: ThreadEvent) -> bool:
        try:
            _answer = handler(event)
        except Exception as error:  # noqa: BLE001 - one handler must not stop the others
            log.error(  # noqa: TRY400 - a traceback could carry the thread's content
                "handler %s of %s failed with %s (event %s); it will be called again",
                name,
                DESTROYED,
                type(error).__name__,
                event.id,
            )
            return False
        if len(self._handlers) > 1:
            scope.write(ending.mark(scope.ref, name))
        return True

    def _extend(self, hold: Hold) -> None:
        engine = self._store.engine or self._store.ready()
        due = Due(lease=CLAIM_SECONDS * SECOND, ref=hold.claim.ref, token=hold.token)
        try:
            for claim in engine.claim(due):
                hold.token = claim.token
        except ThreadkeepError as error:
            log.warning("claim not extended: %s", type(error).__name__)
