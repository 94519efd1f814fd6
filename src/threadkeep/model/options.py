"""The limits of a store, checked before anything is written."""

from __future__ import annotations

import msgspec

from threadkeep.errors import UsageError

MiB = 1 << 20


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one call may weigh, in bytes and counts."""

    value: int = MiB
    part: int = 16 * MiB
    snapshot: int = 16 * MiB
    batch: int = 32 * MiB
    fields: int = 10_000
    labels: int = 16

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if getattr(self, name) < 1:
                raise UsageError(f"limit {name} must be at least 1")
