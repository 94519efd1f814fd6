"""Generated ids: `thrd_`, `sess_` and `evt_` with 32 hexadecimal digits, epochs, tokens."""

from __future__ import annotations

import os


def new_id(prefix: str) -> str:
    """Return `prefix` + `_` + 32 random hexadecimal digits."""
    return f"{prefix}_{os.urandom(16).hex()}"


def new_epoch() -> str:
    """Return the random mark that an entity gets at birth (16 hexadecimal digits)."""
    return os.urandom(8).hex()


def new_epochs(count: int) -> list[bytes]:
    """Return the bytes of several, drawn at once."""
    drawn = os.urandom(8 * count)
    return [drawn[at : at + 8] for at in range(0, 8 * count, 8)]


def event_id(epoch: str) -> str:
    """Return the id of the destroy event of one incarnation: the same at each repeat."""
    return f"evt_{epoch}"
