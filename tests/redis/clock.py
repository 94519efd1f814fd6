"""A clock for tests in the place of the server's: everything else is the real script on a real server.

Where the script asks for the time it takes it from its last two arguments instead. Keys do
not expire by themselves then, for the server's own clock goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from threadkeep.engines.redis.links import Command, Nodes, Script

Now = Callable[[], int]
CHANGES = (
    ("call('TIME')", "{ ARGV[#ARGV - 1], ARGV[#ARGV] }"),
    ("call('PEXPIREAT', H, ", "tostring("),
)


class ClockedNodes(Nodes):
    """Nodes whose time is told by a function that returns microseconds."""

    def __init__(self, nodes: Nodes, now: Now) -> None:
        super().__init__(nodes.settings)
        self._now = now
        self._scripts: dict[Script, Script] = {}

    def call(self, slot: int, commands: Sequence[Command], *, again: bool) -> list[Any]:
        seconds, micros = divmod(self._now(), 1_000_000)
        moment = (str(seconds), str(micros))
        sent = [
            (self._changed(command[0]), *command[1:], *moment)
            if isinstance(command[0], Script)
            else command
            for command in commands
        ]
        answers = super().call(slot, sent, again=again)
        told = [part.encode() for part in moment]
        return [told if c == ("TIME",) else a for c, a in zip(commands, answers, strict=True)]

    def _changed(self, script: Script) -> Script:
        if script not in self._scripts:
            text = script.body.decode()
            for old, new in CHANGES:
                assert old in text, f"the script does not say {old} any more"
                text = text.replace(old, new)
            self._scripts[script] = Script.of(text)
        return self._scripts[script]
