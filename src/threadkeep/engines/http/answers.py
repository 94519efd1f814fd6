"""What a server's answer means: its error as the error that the engine raised there."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from threadkeep.errors import (
    CodecError,
    Conflict,
    DataLost,
    Forbidden,
    Gone,
    NotFound,
    SchemaMismatch,
    ThreadkeepError,
    Timeout,
    TooLarge,
    TurnLost,
    Unavailable,
    UsageError,
)

WIRE: Final = "application/x-threadkeep"
LONGEST: Final = (1 << 31) - 1
NO_ROUTE: Final = frozenset({404, 405})
BUSY: Final = frozenset({429, 503})  # refused before anything was done, where the body says no more

_PLAIN: Final[dict[str, type[ThreadkeepError]]] = {
    kind.__name__: kind
    for kind in (
        CodecError,
        DataLost,
        Forbidden,
        Gone,
        NotFound,
        SchemaMismatch,
        TooLarge,
        UsageError,
    )
}
_GUARDS: Final = {"Conflict": Conflict, "TurnLost": TurnLost}
_AWAY: Final = {"Unavailable": Unavailable, "Timeout": Timeout}
_BY_STATUS: Final[dict[int, type[ThreadkeepError]]] = {
    400: UsageError,
    401: Forbidden,
    403: Forbidden,
    404: UsageError,
    405: UsageError,
    409: Conflict,
    410: Gone,
    413: TooLarge,
    414: TooLarge,
    415: UsageError,
}


class Told(msgspec.Struct, frozen=True):
    """The body of an answer that tells of an error."""

    error: str
    code: str = ""
    maybe_applied: bool | None = None
    revision: int = 0


def error_of(status: int, body: bytes) -> ThreadkeepError:
    """Return the error that an answer tells of, with the server's own words."""
    told = _told(body)
    if told is None:
        return _of_stranger(status)
    if told.code in _AWAY:
        return _AWAY[told.code](told.error, maybe_applied=told.maybe_applied is not False)
    if told.code in _GUARDS:
        return _GUARDS[told.code](told.error, revision=told.revision)
    kind = _PLAIN.get(told.code) or _BY_STATUS.get(status)
    if status in NO_ROUTE and told.code not in _PLAIN:
        return UsageError(f"{told.error}; check the URL, which ends in /v1")
    if kind is not None:
        return kind(told.error)
    return Unavailable(told.error, maybe_applied=status not in BUSY)


def refused_at_once(status: int, body: bytes) -> bool:
    """Tell whether the server refused a call before it did anything, and may take it a little later."""
    told = _told(body)
    if told is None:
        return status == 429  # 503 of a stranger may come after it passed the call on
    return status in BUSY and told.maybe_applied is not True


def _told(body: bytes) -> Told | None:
    try:
        return msgspec.json.decode(body, type=Told)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _of_stranger(status: int) -> ThreadkeepError:
    """Return the error for an answer that no server of threadkeep gave, such as that of a proxy."""
    text = f"the server answered {status} without a reason that threadkeep knows"
    if status == 429:
        return Unavailable(text)
    if status in _BY_STATUS and status not in {409, 410}:
        return _BY_STATUS[status](f"{text}; check the URL, which ends in /v1")
    return Unavailable(text, maybe_applied=True)


def retry_after(text: Any) -> float:
    """Return the seconds that a server asks to wait; a moment where it says nothing."""
    try:
        return min(max(float(text), 0.0), 60.0)
    except (TypeError, ValueError):
        return 0.05
