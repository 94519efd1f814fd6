# Generated from src/threadkeep/_async/sweeping.py by scripts/unasync. Do not edit.
"""The sweeper's round: an error ends the round, not the sweeper."""

from __future__ import annotations

import logging

from threadkeep._sync.lifecycle import Lifecycle

log = logging.getLogger("threadkeep")


def sweep_quietly(lifecycle: Lifecycle) -> None:
    """Sweep; log what goes wrong by its kind."""
    try:
        lifecycle.sweep()
    except Exception as error:  # noqa: BLE001 - the next round tries again
        log.warning("sweep failed: %s", type(error).__name__)
