# Generated from src/threadkeep/_async/drivers/mysql/poller.py by scripts/unasync. Do not edit.
"""Hearing of changes by other processes: one query in turns for all that this process watches."""

from __future__ import annotations

from collections import Counter
from typing import Final

from threadkeep._sync.drivers.mysql.lines import Lines
from threadkeep.concurrency import Periodic
from threadkeep.engines.notify import Hub
from threadkeep.engines.sql.mysql.errors import Trouble
from threadkeep.engines.sql.mysql.revisions import Looking
from threadkeep.model.refs import Ref

POLL: Final = 0.25  # seconds between queries


class Poller:
    """Wakes the watchers of a hub."""

    def __init__(self, lines: Lines, hub: Hub) -> None:
        self._lines, self._hub = lines, hub
        self._refs: Counter[Ref] = Counter()
        self._seen: dict[Ref, tuple[int, bytes]] = {}
        self._turns: Periodic | None = None

    def add(self, ref: Ref) -> None:
        """Look after an entity too."""
        self._refs[ref] += 1
        if self._turns is None:
            self._turns = Periodic(self._look, POLL)
            self._turns.start()

    def remove(self, ref: Ref) -> None:
        """Undo one `add`."""
        self._refs[ref] -= 1
        if self._refs[ref] <= 0:
            del self._refs[ref]
            self._seen.pop(ref, None)

    def _look(self) -> None:
        refs = list(self._refs)
        if not refs:
            return
        looking = Looking(refs)
        try:
            self._lines.ask(looking.packet)
        except Trouble:
            return  # the next turn comes
        for ref in refs:
            found = looking.found.get(ref, (0, b""))
            if ref in self._refs and self._seen.get(ref) != found:
                self._seen[ref] = found
                self._hub.publish(ref)

    def close(self) -> None:
        """Stop looking."""
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.stop()
