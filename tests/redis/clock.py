"""A clock for tests in the place of the server's: everything else is the real script on a real server.

Where the script asks for the time it takes it from its last two arguments instead. Keys do not expire by
themselves then, for the server's own clock goes on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from threadkeep.engines.redis.links import AsyncNodes, Command, Nodes, Script
from threadkeep.engines.redis.links.settings import Settings

Now = Callable[[], int]
CHANGES = (
    (re.compile(r"(redis\.)?call\('TIME'\)"), "{ ARGV[#ARGV - 1], ARGV[#ARGV] }"),
    (re.compile(r"(redis\.)?call\('PEXPIREAT', [^,]+, "), "tostring("),
)


class Moment:
    """One reading of a clock that returns microseconds."""

    def __init__(self, now: Now) -> None:
        self._parts = tuple(str(part) for part in divmod(now(), 1_000_000))

    def sent(self, commands: Sequence[Command]) -> list[Command]:
        """Return commands whose scripts are told this moment."""
        return [
            (_clocked(command[0]), *command[1:], *self._parts)
            if isinstance(command[0], Script)
            else command
            for command in commands
        ]

    def answered(self, commands: Sequence[Command], answers: list[Any]) -> list[Any]:
        """Return the answers with this moment for the server's."""
        told = [part.encode() for part in self._parts]
        return [told if c == ("TIME",) else a for c, a in zip(commands, answers, strict=True)]


_changed: dict[Script, Script] = {}


def _clocked(script: Script) -> Script:
    if script not in _changed:
        text = script.body.decode()
        for old, new in CHANGES:
            text = old.sub(new, text)
        assert not re.search("'(TIME|PEXPIREAT)'", text), "the script tells the time in another way"
        _changed[script] = replace(Script.of(text), whole=script.whole)
    return _changed[script]


class ClockedNodes(Nodes):
    """Nodes whose time is told by a function."""

    def __init__(self, settings: Settings, now: Now) -> None:
        super().__init__(settings)
        self._now = now

    def call(
        self, slot: int, commands: Sequence[Command], *, again: bool, synced: bool = False
    ) -> list[Any]:
        moment = Moment(self._now)
        answers = super().call(slot, moment.sent(commands), again=again, synced=synced)
        return moment.answered(commands, answers)

    def ask_each(self, asked: Sequence[tuple[int, Command]]) -> list[Any]:
        moment = Moment(self._now)
        return moment.answered([command for _, command in asked], super().ask_each(asked))


class AsyncClockedNodes(AsyncNodes):
    """The same for asyncio."""

    def __init__(self, settings: Settings, now: Now) -> None:
        super().__init__(settings)
        self._now = now

    async def call(
        self, slot: int, commands: Sequence[Command], *, again: bool, synced: bool = False
    ) -> list[Any]:
        moment = Moment(self._now)
        answers = await super().call(slot, moment.sent(commands), again=again, synced=synced)
        return moment.answered(commands, answers)

    async def ask_each(self, asked: Sequence[tuple[int, Command]]) -> list[Any]:
        moment = Moment(self._now)
        return moment.answered([command for _, command in asked], await super().ask_each(asked))
