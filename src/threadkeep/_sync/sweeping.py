# Generated from src/threadkeep/_async/sweeping.py by scripts/unasync. Do not edit.
"""The sweeper's round: an error ends the round, not the sweeper."""

from __future__ import annotations

import logging
from collections.abc import Callable

from threadkeep._sync.lifecycle import Lifecycle
from threadkeep.concurrency import Periodic

log = logging.getLogger("threadkeep")


def sweeping(lifecycle: Lifecycle, seconds: float) -> Periodic:
    """Return a runner that sweeps every so many seconds."""

    def sweep() -> None:
        sweep_quietly(lifecycle, lambda: runner.ending)

    runner = Periodic(sweep, seconds)
    return runner


def sweep_quietly(lifecycle: Lifecycle, ending: Callable[[], bool]) -> None:
    """Sweep; log what goes wrong by its kind."""
    try:
        lifecycle.sweep(ending)
    except Exception as error:  # noqa: BLE001 - the next round tries again
        log.warning("sweep failed: %s", type(error).__name__)
