"""What the harness asks of a subject."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal, Protocol

Op = Literal["get", "set", "append", "last", "all", "page", "check", "turn", "sessions", "events"]
"""One measured operation on one thread.

`page` is the first page of the listing of threads, `check` finds the result of a tool, `turn` is two
messages, three fields and a count, `sessions` lists all threads, `events` reads a whole history.
"""

OPS: Final[tuple[Op, ...]] = ("get", "set", "append", "last", "all")
TITLES: Final[Mapping[Op, str]] = {
    "get": "get one field",
    "set": "set one field",
    "append": "append two messages",
    "last": "read the last 20 messages",
    "all": "read all fields",
    "page": "list the 50 newest threads",
    "check": "check a tool result",
    "turn": "2 messages, 3 fields, a count",
    "sessions": "list 10,000 sessions",
    "events": "load 3,000 events",
}

Call = Callable[[int], object]
"""Do the operation on the thread of that number; an asynchronous subject returns an awaitable."""


class Subject(Protocol):
    """One system under test.

    It offers in `calls` only what the system has; the harness prints "-" for the rest.
    When `asynchronous`, all methods and calls return coroutines; else they block.
    """

    name: str
    durability: str
    """What a write has survived when the call returns, as the subject was opened here."""
    note: str
    """How its own interface was used, where that is not obvious."""
    asynchronous: bool

    @property
    def calls(self) -> Mapping[Op, Call]:
        """What the system can do, and how."""
        ...

    def setup(self, folder: Path) -> object:
        """Open a store in that folder, which stands and is empty."""
        ...

    def fill(self, threads: Sequence[int], fields: int, messages: int) -> object:
        """Give each of these threads so many fields and messages, as fast as the API can."""
        ...

    def close(self) -> object:
        """Close the store."""
        ...
