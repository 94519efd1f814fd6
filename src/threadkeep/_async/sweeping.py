"""The sweeper's round: an error ends the round, not the sweeper."""

from __future__ import annotations

import logging
from collections.abc import Callable

from threadkeep._async.lifecycle import AsyncLifecycle
from threadkeep.concurrency import AsyncPeriodic

log = logging.getLogger("threadkeep")


def sweeping(lifecycle: AsyncLifecycle, seconds: float) -> AsyncPeriodic:
    """Return a runner that sweeps every so many seconds."""

    async def sweep() -> None:
        await sweep_quietly(lifecycle, lambda: runner.ending)

    runner = AsyncPeriodic(sweep, seconds)
    return runner


async def sweep_quietly(lifecycle: AsyncLifecycle, ending: Callable[[], bool]) -> None:
    """Sweep; log what goes wrong by its kind."""
    try:
        await lifecycle.sweep(ending)
    except Exception as error:  # noqa: BLE001 - the next round tries again
        log.warning("sweep failed: %s", type(error).__name__)
