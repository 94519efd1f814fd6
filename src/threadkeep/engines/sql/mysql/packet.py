"""Statements that go to the server together, and where the rows of each go."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

Row = tuple[Any, ...]
Sink = Callable[[Sequence[Row]], None]

# microseconds; the time at which a statement began, so that indexes serve comparisons with it
NOW: Final = "cast(unix_timestamp(now(6)) * 1000000 as signed)"


class Packet:
    """Statements with their arguments, in order."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._sinks: list[Sink | None] = []
        self.args: list[object] = []

    def add(self, text: str, args: Iterable[object] = (), sink: Sink | None = None) -> None:
        """Add one statement; `sink` is given its rows."""
        self._texts.append(text)
        self._sinks.append(sink)
        self.args.extend(args)

    @property
    def text(self) -> str:
        """Return the statements as the drivers take them."""
        return ";".join(self._texts)

    def deliver(self, found: Sequence[Sequence[Row]]) -> None:
        """Hand the rows of each statement to its sink."""
        for rows, sink in zip(found, self._sinks, strict=True):
            if sink is not None:
                sink(rows)


def table(names: Sequence[str], rows: int) -> str:
    """Return a derived table `q` of that many rows of arguments with these columns."""
    first = ", ".join(f"%s {name}" for name in names)
    others = ", ".join(["%s"] * len(names))
    return f"(select {first}{f' union all select {others}' * (rows - 1)}) q"


def clock(now: int | None) -> str:
    """Return the expression of the time: the server's, or the one given by a test."""
    return NOW if now is None else str(int(now))
