"""A request as the protocol gives it; what a route does not look at is not taken apart."""

from __future__ import annotations

from itertools import chain
from typing import Final
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

_TEXT: Final = "latin-1"
_ONE: Final = ("1.1", "1.0", "1")


class Request:
    """A request: its method and its headers by lower-case name, the first where one stands twice."""

    __slots__ = ("headers", "method", "receive", "scope")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope, self.receive = scope, receive
        self.method: str = scope["method"]
        self.headers: dict[bytes, bytes] = dict(reversed([*scope["headers"]]))

    def header(self, name: bytes) -> str | None:
        """Return a header as text; None where it is missing."""
        found = self.headers.get(name)
        return None if found is None else found.decode(_TEXT)

    @property
    def framed(self) -> bool:
        """Tell whether the declared length ends the body; HTTP/2 has an end of its own, which must be read."""
        return self.scope["http_version"] in _ONE

    @property
    def headers_size(self) -> int:
        """Return the bytes of all headers, names and values."""
        return sum(map(len, chain.from_iterable(self.scope["headers"])))

    @property
    def path_size(self) -> int:
        """Return the bytes of the path and its query."""
        scope = self.scope
        return len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")

    @property
    def query(self) -> list[tuple[str, str]]:
        """Return the names and values of the query string, in order."""
        given: bytes = self.scope.get("query_string") or b""
        return parse_qsl(given.decode(_TEXT), keep_blank_values=True) if given else []
