"""What a server may be told: its limits."""

from __future__ import annotations

import msgspec

MiB = 1 << 20


class ServerLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What a request may weigh, in bytes, seconds and counts."""

    body: int = 16 * MiB
    batch: int = 48 * MiB
    path: int = 8_192
    body_seconds: float = 30.0
