"""Nodes that count how often their caller waits for servers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from threadkeep.engines.redis.links import Command, Nodes


class CountedNodes(Nodes):
    """The engine's own, with a count: one write to each server and one wait for all is 1."""

    waits = 0

    def call(
        self, slot: int, commands: Sequence[Command], *, again: bool, synced: bool = False
    ) -> list[Any]:
        self.waits += 1
        return super().call(slot, commands, again=again, synced=synced)

    def ask_each(self, asked: Sequence[tuple[int, Command]]) -> list[Any]:
        self.waits += 1
        return super().ask_each(asked)
