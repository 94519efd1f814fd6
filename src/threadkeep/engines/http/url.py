"""From a URL of a server to the settings of a client."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.urls import StoreUrl, check_options, mask

OPTIONS = {"token", "timeout", "connections", "http2", "ca"}
_FLAGS = {"true": True, "1": True, "false": False, "0": False}


class HttpSettings(msgspec.Struct, frozen=True):
    """How a server is reached.

    `base`: its address with `/v1`. `timeout`: seconds a call may take, with all its tries. `ca`: a file
    of certificates to trust instead of the system's.
    """

    base: str
    token: str | None = None
    timeout: float = 30.0
    connections: int = 32
    http2: bool = False
    ca: str | None = None

    @property
    def lines(self) -> int:
        """Return how many requests with batches may be under way; the other connections are for what is slow."""
        return max(1, self.connections // 4)


def settings_of(url: StoreUrl) -> HttpSettings:
    """Return the settings of a URL such as `https://host/v1?timeout=10`; UsageError for a bad one."""
    check_options(url, OPTIONS)
    if not url.authority or "@" in url.authority:
        raise UsageError(f"{mask(url.text)!r} must be https://host/v1; pass token= for a key")
    path = quote(url.path.rstrip("/"))
    given = url.options
    return HttpSettings(
        base=f"{url.scheme}://{url.authority}" + (f"/{path}" if path else "/v1"),
        token=given.get("token") or None,
        timeout=_number(given, "timeout", 30.0),
        connections=_count(given, "connections", 32),
        http2=_flag(given, "http2"),
        ca=given.get("ca") or None,
    )


def _number(given: dict[str, str], name: str, usual: float) -> float:
    text = given.get(name)
    if text is None:
        return usual
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found <= 86_400:
        raise UsageError(f"option {name} is {text!r}; it must be a number above 0")
    return found


def _count(given: dict[str, str], name: str, usual: int) -> int:
    text = given.get(name, str(usual))
    if not (text.isascii() and text.isdecimal() and 0 < int(text) <= 10_000):
        raise UsageError(f"option {name} is {text!r}; it must be a whole number from 1 to 10000")
    return int(text)


def _flag(given: dict[str, str], name: str) -> bool:
    text = given.get(name, "false").lower()
    if text not in _FLAGS:
        raise UsageError(f"option {name} is {text!r}; it must be true or false")
    return _FLAGS[text]
