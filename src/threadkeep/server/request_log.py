"""What is logged of a request: its id, route, status, time and the caller's name. Never content or ids."""

from __future__ import annotations

import json
import logging
import random
import re
import time
from typing import Any, Final

from threadkeep.server.request import Request

log = logging.getLogger("threadkeep.access")
_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_FIELDS: Final = ("request_id", "method", "route", "status", "ms", "caller")


class Told:
    """A request as the log tells of it."""

    __slots__ = ("_began", "_method", "caller", "id", "route")

    def __init__(self, request: Request) -> None:
        given = request.header(b"x-request-id")
        if given is None or not _ID.fullmatch(given):
            given = f"{random.getrandbits(64):016x}"
        self.id = given
        self.route = "-"
        self.caller = "-"
        self._method = request.method
        self._began = time.perf_counter()

    def answered(self, status: int) -> None:
        """Log the request."""
        if log.isEnabledFor(logging.INFO):
            ms = round((time.perf_counter() - self._began) * 1000, 2)
            found = (self.id, self._method, self.route, status, ms, self.caller)
            log.info("request", extra=dict(zip(_FIELDS, found, strict=True)))


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON."""
        found: dict[str, Any] = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        found |= {name: getattr(record, name) for name in _FIELDS if hasattr(record, name)}
        if record.exc_info and record.exc_info[0] is not None:
            found["error"] = record.exc_info[0].__name__
            found["at"] = _places(record.exc_info[2])
        return json.dumps(found)


def _places(trace: Any) -> list[str]:
    """Return where an error came from, without its text, which may hold content."""
    found: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found


def log_to_stderr(level: str) -> None:
    """Send the server's log to stderr, one JSON object a line."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logger = logging.getLogger("threadkeep")
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel(level.upper())
