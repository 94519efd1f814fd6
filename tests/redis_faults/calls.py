"""What callers asked of a store and what they were told: the ledger that `verify` holds against the store."""

from __future__ import annotations

import enum
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from threadkeep.errors import ThreadkeepError, Unavailable


class Kind(enum.Enum):
    """What a call does. Only the caller may repeat what it cannot name: the first three."""

    APPEND = "append"  # a message without an id, to the caller's own thread
    COUNT = "count"  # an increment
    GUARDED = "guarded"  # a field set where its revision is the one that was read
    NAMED = "named"  # a message with an id, repeated by the caller until it is acknowledged
    ONCE = "once"  # an increment with a request id, repeated likewise
    FIELD = "field"  # the caller's own field, set to the number of the call
    LARGE = "large"  # the same with a value that passes beside the script


class Told(enum.Enum):
    """What a call's end says of its effect."""

    DONE = "done"
    MAYBE = "maybe"  # its error has maybe_applied
    NEVER = "never"  # its error says that nothing was written


@dataclass
class Call:
    """One call; times of time.monotonic. `error` is the name of what it raised."""

    kind: Kind
    who: str
    number: int
    begun: float = field(default_factory=time.monotonic)
    ended: float = 0.0
    told: Told = Told.MAYBE
    error: str = ""


class Ledger:
    """All calls of a load, in the order of their beginning."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.errors: Counter[str] = Counter()
        self.untyped: list[str] = []
        self._lock = threading.Lock()
        self._done = 0

    def begin(self, kind: Kind, who: str, number: int) -> Call:
        call = Call(kind, who, number)
        with self._lock:
            self.calls.append(call)
        return call

    def end(self, call: Call, told: Told, error: BaseException | None = None) -> None:
        call.ended, call.told = time.monotonic(), told
        with self._lock:
            self._done += told is Told.DONE
            if error is not None:
                call.error = f"{type(error).__name__}: {error}"
                self.errors[type(error).__name__] += 1
                if not isinstance(error, ThreadkeepError):
                    self.untyped.append(repr(error))

    @property
    def done(self) -> int:
        """How many calls were acknowledged."""
        return self._done

    def count(self, told: Told) -> int:
        return sum(call.told is told for call in self.calls)


def told_by(error: Exception) -> Told:
    """Return what an error says of the call's effect."""
    return Told.MAYBE if isinstance(error, Unavailable) and error.maybe_applied else Told.NEVER
