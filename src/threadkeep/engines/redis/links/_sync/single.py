# Generated from src/threadkeep/engines/redis/links/_async/single.py by scripts/unasync. Do not edit.
"""One primary: at a fixed address, or where the sentinels say."""

from __future__ import annotations

import time

from threadkeep.engines.redis.links._sync.peer import AnyLink, Peer
from threadkeep.engines.redis.links._sync.sentinels import find_primary, verify_primary
from threadkeep.engines.redis.links.link import Link
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address
from threadkeep.errors import UsageError


class Single:
    """The only primary."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._peer = Peer(settings.addresses[0], self._open)

    def _open(self, seconds: float) -> Link:
        seconds = min(seconds, self._settings.connect_timeout)
        if self._settings.mode != "sentinel":
            return Link.open(self._settings, self._settings.addresses[0], seconds)
        until = time.monotonic() + seconds
        address = find_primary(self._settings, until)
        link = Link.open(self._settings, address, max(0.001, until - time.monotonic()))
        verify_primary(link, self._settings.timeout)
        return link

    def open(self, limit: float) -> None:
        """Connect. Raises Unavailable, Forbidden or UsageError."""
        self._peer.ready(limit)

    def peer(self, slot: int) -> Peer:  # noqa: ARG002 - there is only one
        """Return the server that has the slot."""
        return self._peer

    def at(self, address: Address) -> Peer:
        """Raise UsageError: only a cluster sends its callers elsewhere."""
        raise UsageError(
            f"{self._peer.address} belongs to a cluster and sent the call to {address}; "
            "write redis+cluster:// or valkey+cluster://"
        )

    def moved(self, slot: int, address: Address) -> None:  # noqa: ARG002 - a cluster would note it
        """Raise UsageError, as `at` does."""
        self.at(address)

    def look(self, link: AnyLink | None, limit: float) -> None:  # noqa: ARG002 - it takes no time
        """Leave a server that answered that it is no primary; the next connection asks the sentinels first."""
        if link is not None:
            link.retire()

    def primaries(self) -> list[int]:
        """Return a slot of each primary."""
        return [0]

    def close(self) -> None:
        """Close the connection."""
        self._peer.close()
