"""Statements that go to the server together, and where the rows of each go."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any, Final

Row = tuple[Any, ...]
Sink = Callable[[Sequence[Row]], None]

# microseconds; the time at which a statement began, so that indexes serve comparisons with it
NOW: Final = "cast(unix_timestamp(now(6)) * 1000000 as signed)"
MOMENT: Final = NOW.replace("now(6)", "sysdate(6)")


class Packet:
    """Statements with their arguments, in order."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._sinks: list[Sink | None] = []
        self._conditional = 0
        self.args: list[object] = []

    def add(self, text: str, args: Iterable[object] = (), sink: Sink | None = None) -> None:
        """Add one statement; `sink` is given its rows."""
        self._texts.append(text)
        self._sinks.append(sink)
        self.args.extend(args)

    def add_if(self, condition: str, text: str, args: Iterable[object], sink: Sink) -> None:
        """Add a statement that MariaDB runs only where a condition holds; one at most in a packet.

        `sink` is called where it was run.
        """
        self.add(f"if {condition} then {text}; end if", args, sink)
        self._conditional = len(self._sinks)

    def encode(self) -> bytes:
        """Return the statements with their arguments, as they go to the server."""
        return encode(";".join(self._texts), self.args)

    def deliver(self, found: Sequence[Sequence[Row]]) -> None:
        """Hand the rows of each statement to its sink."""
        only = self._conditional
        run = len(found) > len(self._sinks)  # after its rows it says that it is over
        if run:
            found = [*found[:only], *found[only + 1 :]]
        for number, (rows, sink) in enumerate(zip(found, self._sinks, strict=True), 1):
            if sink is not None and (run or number != only):
                sink(rows)


def encode(text: str, args: Iterable[object] = ()) -> bytes:
    """Return statements with an argument in the place of each `%s`: bytes, a whole number or None.

    Bytes go as hexadecimal literals, which no setting of a session changes the meaning of.
    """
    given = tuple(
        [
            f"x'{arg.hex()}'" if type(arg) is bytes else "null" if arg is None else int(arg)  # type: ignore[call-overload] # pyright: ignore[reportArgumentType] - nothing else is given
            for arg in args
        ]
    )
    return (text % given).encode()


def joined(
    text: str, names: Sequence[str], rows: Sequence[Sequence[object]]
) -> tuple[str, list[object]]:
    """Return a statement over a table `q` of these rows, and its arguments.

    `{q}` stands where the table is joined from; `{each}` where each of its rows comes out, whatever stands. Of a
    single row no table is made: its values stand in the statement, and the server need not look for a plan.
    """
    if len(rows) == 1:
        alone, places = _alone(text, tuple(names))
        return alone, [rows[0][place] for place in places]
    first = ", ".join(f"%s {name}" for name in names)
    others = f" union all select {', '.join(['%s'] * len(names))}"
    table = f"(select {first}{others * (len(rows) - 1)}) q"
    text = text.replace("{q}", f"{table} straight_join").replace("{each}", f"{table} left join")
    return text, [value for row in rows for value in row]


_COLUMN: Final = re.compile(r"\bq\.(\w+)")


@cache
def _alone(text: str, names: tuple[str, ...]) -> tuple[str, list[int]]:
    places = [names.index(name) for name in _COLUMN.findall(text)]
    text = _COLUMN.sub("%s", text).replace("{q} ", "")
    return text.replace("{each}", "(select 1) q left join"), places


def clock(now: int | None) -> str:
    """Return the expression of the time: the server's, or the one given by a test."""
    return NOW if now is None else str(int(now))


def moment(now: int | None) -> str:
    """Return the expression of the time at which a row is found: after the wait for its lock, no index serves it."""
    return MOMENT if now is None else str(int(now))
