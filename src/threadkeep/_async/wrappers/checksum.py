"""Values with a checksum."""

from __future__ import annotations

from threadkeep._async.wrappers.sealed import AsyncSealed
from threadkeep.model.sealing import CrcSealer
from threadkeep.ops.engine import AsyncEngine


class AsyncChecksum(AsyncSealed):
    """Store each value with a CRC-32 of it and its place; one that does not fit is a CodecError.

    Finds what a disk, a memory or a careless hand has changed or moved; protects from no attacker.
    Names, numbers, links, labels and leases have no checksum. `allow_unchecked` reads values that
    were written without one, which is how a store takes the wrapper on.
    """

    def __init__(self, engine: AsyncEngine, *, allow_unchecked: bool = False) -> None:
        super().__init__(engine, CrcSealer(allow_unchecked=allow_unchecked))
