"""The sweeper's round: an error ends the round, not the sweeper."""

from __future__ import annotations

import logging

from threadkeep._async.lifecycle import AsyncLifecycle

log = logging.getLogger("threadkeep")


async def sweep_quietly(lifecycle: AsyncLifecycle) -> None:
    """Sweep; log what goes wrong by its kind."""
    try:
        await lifecycle.sweep()
    except Exception as error:  # noqa: BLE001 - the next round tries again
        log.warning("sweep failed: %s", type(error).__name__)
