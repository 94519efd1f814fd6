# Generated from src/threadkeep/engines/redis/links/_async/synced.py by scripts/unasync. Do not edit.
"""A connection whose answers wait for the server's disk."""

from __future__ import annotations

import time
from typing import Any, Final

from threadkeep.concurrency import Background, Lock, Outcome
from threadkeep.engines.redis.links.errors import Late, Lost, ServerError, Unsynced
from threadkeep.engines.redis.links.link import Link
from threadkeep.engines.redis.links.script import pack
from threadkeep.engines.redis.links.slots import Address

GRACE: Final = 0.25  # seconds by which a server that has waited long enough may be late to say so


class _Group:
    """Calls that share one write and one WAITAOF; settled with the answers and whether they are on disk."""

    def __init__(self) -> None:
        self.payloads: list[bytes] = []
        self.count = 0
        self.until = 0.0
        self.outcome: Outcome[tuple[list[Any], bool] | Lost | Late] = Outcome()


class Synced:
    """Sends calls in groups: what comes while a group waits for the disk is the next one.

    WAITAOF keeps a connection waiting, so only what must wait goes over this one. A group does not need its
    callers: one that is cancelled or late harms no other.
    """

    def __init__(self, link: Link) -> None:
        self.address: Address = link.address
        self._link = link
        self._lock = Lock()
        self._next = _Group()
        self._busy = False
        self._background = Background()

    @property
    def lost(self) -> str | None:
        """Return why the connection has ended; None: it has not."""
        return self._link.lost

    @property
    def usable(self) -> bool:
        """Tell whether new calls may use it."""
        return self._link.usable

    def retire(self) -> None:
        """Take no new calls, and close once those on their way are done."""
        self._link.retire()

    def ask(self, payload: bytes, count: int, until: float) -> list[Any]:
        """Return the answers in order, once they are on disk. Raises Lost, Late or Unsynced."""
        with self._lock:
            group, first = self._next, self._next.count
            group.payloads.append(payload)
            group.count += count
            group.until = max(group.until, until)
            starts, self._busy = not self._busy, True
        if starts:
            self._background.start(self._send)
        try:
            outcome = group.outcome.wait(max(0.0, until - time.monotonic()))
        except TimeoutError:
            raise Late from None
        if isinstance(outcome, Lost):
            raise Lost(str(outcome), sent=outcome.sent)
        if outcome is None or isinstance(outcome, Late):
            raise Late
        answers, on_disk = outcome
        mine = answers[first : first + count]
        if not on_disk and not all(isinstance(answer, ServerError) for answer in mine):
            raise Unsynced
        return mine

    def _send(self) -> None:
        """Send one group after the other until nothing more has come."""
        while True:
            with self._lock:
                group = self._next
                if not group.payloads:
                    self._busy = False
                    return
                self._next = _Group()
            group.outcome.settle(self._exchange(group))

    def _exchange(self, group: _Group) -> tuple[list[Any], bool] | Lost | Late:
        left = group.until - time.monotonic()
        told = max(left / 2, left - GRACE, 0.001)  # when its callers have not yet given up
        payload = b"".join([*group.payloads, pack(("WAITAOF", 1, 0, int(told * 1000)))])
        try:
            answers = self._link.ask(payload, group.count + 1, group.until + GRACE)
        except (Lost, Late) as error:
            return error
        waited = answers.pop()
        return answers, not isinstance(waited, ServerError) and waited[0] > 0

    def close(self) -> None:
        """Close it; what is unanswered is lost."""
        self._link.close()
        self._background.stop()
