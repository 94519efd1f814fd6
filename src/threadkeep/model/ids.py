"""Generated ids: `thrd_`, `sess_` and `evt_` with 32 hexadecimal digits, epochs, tokens."""

from __future__ import annotations

import os


def new_id(prefix: str) -> str:
    """Return `prefix` + `_` + 32 random hexadecimal digits."""
    return f"{prefix}_{os.urandom(16).hex()}"


def new_epoch() -> str:
    """Return the random mark that an entity gets at birth (16 hexadecimal digits)."""
    return os.urandom(8).hex()


def new_epochs(count: int) -> list[str]:
    """Return several, drawn at once."""
    drawn = os.urandom(8 * count).hex()
    return [drawn[at : at + 16] for at in range(0, 16 * count, 16)]


def event_id(epoch: str) -> str:
    """Return the id of the destroy event of one incarnation: the same at each repeat."""
    return f"evt_{epoch}"
