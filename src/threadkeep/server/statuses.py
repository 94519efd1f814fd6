"""Which status an error means, and the words that go with it."""

from __future__ import annotations

import logging
from typing import Any, Final

from starlette.responses import Response

from threadkeep.errors import (
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    ThreadkeepError,
    TooLarge,
    Unavailable,
    UsageError,
)
from threadkeep.server.bodies import Refused
from threadkeep.server.json_text import to_json

log = logging.getLogger("threadkeep.server")
RETRY_AFTER: Final = "1"
_JSON: Final = (b"content-type", b"application/json")

_BY_ERROR: Final[tuple[tuple[type[ThreadkeepError], int], ...]] = (
    (TooLarge, 413),
    (UsageError, 400),
    (Conflict, 409),
    (Gone, 410),
    (NotFound, 404),
    (Forbidden, 403),
    (Unavailable, 503),
)


def status_of(error: ThreadkeepError) -> int:
    """Return the status that an error means; 500 for damage in the store."""
    if isinstance(error, Refused):
        return error.status
    return next((status for kind, status in _BY_ERROR if isinstance(error, kind)), 500)


def problem(error: Exception, request_id: str) -> Response:
    """Return the answer that tells of an error: `{"error": "...", "code": "..."}`."""
    noted = {"request_id": request_id}
    if not isinstance(error, ThreadkeepError):
        log.error("a request failed", exc_info=error, extra=noted)
        return json_answer({"error": "the server failed; its log says more", "code": "Failed"}, 500)
    status = status_of(error)
    told: dict[str, Any] = {"error": str(error), "code": code_of(error)}
    headers: dict[str, str] = {}
    if isinstance(error, Refused):
        headers = error.headers
    elif isinstance(error, Conflict):
        told |= {"found": error.found, "revision": error.revision}
    elif isinstance(error, Unavailable):
        told["maybe_applied"] = error.maybe_applied
        headers = {"Retry-After": RETRY_AFTER}
    if status >= 500:
        log.warning("a request failed with %d: %s", status, type(error).__name__, extra=noted)
    return json_answer(told, status, headers=headers)


def code_of(error: ThreadkeepError) -> str:
    """Return the name under which a client knows an error."""
    return "Refused" if isinstance(error, Refused) else type(error).__name__


class _Plain(Response):
    """An answer whose headers are known: nothing is left to be worked out for each."""

    def __init__(self, body: bytes, status: int, headers: list[tuple[bytes, bytes]]) -> None:
        self.body, self.status_code, self.raw_headers = body, status, headers
        self.background = None


def json_answer(
    content: object, status: int = 200, *, headers: dict[str, str] | None = None
) -> Response:
    """Return an answer with a JSON body."""
    body = to_json(content)
    length = (b"content-length", str(len(body)).encode())
    return _Plain(body, status, [length, _JSON, *_raw(headers)])


def empty_answer(headers: dict[str, str] | None = None, status: int = 204) -> Response:
    """Return an answer without a body: 204 or 304."""
    return _Plain(b"", status, _raw(headers))


def _raw(headers: dict[str, str] | None) -> list[tuple[bytes, bytes]]:
    if not headers:
        return []
    return [(n.lower().encode("latin-1"), v.encode("latin-1")) for n, v in headers.items()]
