"""Which addresses are this machine's own."""

from __future__ import annotations

import ipaddress
from functools import lru_cache


@lru_cache(1_000)
def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
