"""The errors of threadkeep, one tree.

ThreadkeepError
├── UsageError          the call itself is wrong; nothing was written
│   └── TooLarge        a value, batch, entity or label set is over a stated limit
├── Conflict            a guard did not hold; carries what was found
│   └── TurnLost        the turn's lease ran out or somebody took the turn over
├── Gone                the entity this handle knew was destroyed
├── NotFound            a thread, field or file that the call names does not exist
├── Forbidden           the caller or the store may not do this
├── CodecError          stored bytes cannot be read; never treated as absent
├── DataLost            the server lost a part of an entity; never treated as empty
├── SchemaMismatch      the store was written by another release
└── Unavailable         the engine cannot serve the call now
    └── Timeout         it did not answer in time
"""

from __future__ import annotations

from typing import Any


class ThreadkeepError(Exception):
    """Base of every error that threadkeep raises on purpose.

    `context` holds machine-readable details: names and numbers, never stored values.
    """

    def __init__(self, message: str, **context: Any) -> None:
        super().__init__(message)
        self.context: dict[str, Any] = {k: v for k, v in context.items() if v is not None}


class UsageError(ThreadkeepError):
    """The call is wrong as it stands: a bad name, value, lease or option. Nothing was written."""


class TooLarge(UsageError):
    """A value, batch, entity or label set is over the limit that the message names. Nothing was written."""


class Conflict(ThreadkeepError):
    """A guard did not hold, so nothing was written.

    `found` is what stands there now, as the same call would have read it (None: nothing stands);
    `revision` is the revision of the whole entity at that moment.
    """

    def __init__(
        self, message: str, *, found: Any = None, revision: int = 0, **context: Any
    ) -> None:
        super().__init__(message, **context)
        self.found = found
        self.revision = revision


class TurnLost(Conflict):
    """The turn this call belongs to is over: its lease ran out or another caller took it. Nothing was written."""


class Gone(ThreadkeepError):
    """The entity that this handle has seen was destroyed; take a new handle to begin a new one. Nothing was written."""


class NotFound(ThreadkeepError):
    """The named thread, field or file does not exist."""


class Forbidden(ThreadkeepError):
    """The caller, the key or the store's mode does not allow this. Nothing was written."""


class CodecError(ThreadkeepError):
    """Stored bytes are corrupt, of a newer format, encrypted with an unknown key or not of the asked type."""


class DataLost(ThreadkeepError):
    """The server lost a part of an entity that it had acknowledged."""


class SchemaMismatch(ThreadkeepError):
    """The store's schema is newer than this release, or was changed by hand."""


class Unavailable(ThreadkeepError):
    """The engine cannot serve the call now.

    `maybe_applied` is True where the call may have had its effect: ask before repeating it.
    """

    def __init__(self, message: str, *, maybe_applied: bool = False, **context: Any) -> None:
        super().__init__(message, **context)
        self.maybe_applied = maybe_applied


class Timeout(Unavailable):
    """The engine did not answer within the time that the message names."""
