"""What a subject began, what was acknowledged to it and what failed.

One line an event, each in one `write` call: `begun WHO N`, `acked WHO N`, `done`, and
`failed WHO N ERROR maybe|never`. The page cache keeps them when the process is killed; the file
must lie where no fault of the test reaches.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from threadkeep.errors import ThreadkeepError, Unavailable

UNTYPED = "untyped:"
MAYBE, NEVER = "maybe", "never"  # what the error says of the batch: it may stand, it does not


class Ledger:
    """The writing side, used inside the subject."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def begun(self, who: str, number: int) -> None:
        self._line(f"begun {who} {number}")

    def acked(self, who: str, number: int) -> None:
        self._line(f"acked {who} {number}")

    def failed(self, who: str, number: int, error: Exception) -> None:
        name, told = type(error).__name__, MAYBE
        if not isinstance(error, ThreadkeepError):
            name = f"{UNTYPED}{type(error).__module__}.{name}"
        elif not (isinstance(error, Unavailable) and error.maybe_applied):
            told = NEVER
        self._line(f"failed {who} {number} {name} {told}")

    def done(self) -> None:
        self._line("done")

    def _line(self, text: str) -> None:
        os.write(self._fd, text.encode() + b"\n")


@dataclass
class Account:
    """The reading side: numbers by caller. One that is begun and not acked may or may not stand."""

    begun: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    acked: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    refused: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    errors: list[str] = field(default_factory=list[str])
    done: bool = False

    @classmethod
    def read(cls, *paths: Path) -> Account:
        return cls.of(path.read_bytes() for path in paths if path.exists())

    @classmethod
    def of(cls, contents: Iterable[bytes]) -> Account:
        account = cls()
        for content in contents:
            for line in content.decode().splitlines():
                account._add(line.split())
        return account

    @property
    def acknowledged(self) -> int:
        return sum(map(len, self.acked.values()))

    @property
    def untyped(self) -> list[str]:
        return [e for e in self.errors if e.startswith(UNTYPED)]

    def _add(self, words: list[str]) -> None:
        match words:
            case ["begun", who, number]:
                self.begun[who].add(int(number))
            case ["acked", who, number]:
                self.acked[who].add(int(number))
            case ["failed", who, number, error, told]:
                self.errors.append(error)
                if told == NEVER:
                    self.refused[who].add(int(number))
            case ["done"]:
                self.done = True
            case _:
                raise ValueError(f"no line of a ledger: {words}")
