"""Exit codes: what a program may conclude from the end of a command."""

from __future__ import annotations

import errno
from typing import Final

from threadkeep.errors import (
    Conflict,
    Forbidden,
    Gone,
    NotFound,
    ThreadkeepError,
    Unavailable,
    UsageError,
)

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
NOT_FOUND: Final = 3
NOT_ALLOWED: Final = 4
CONFLICT: Final = 5
UNAVAILABLE: Final = 6
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141

MEANINGS: Final = {
    OK: "ok",
    FAILED: "failed: unreadable data, a schema of another release, a check that found something",
    USAGE: "usage: a wrong command, option, name, value or lifetime; nothing was written",
    NOT_FOUND: "not found: no such store, thread, field or file",
    NOT_ALLOWED: "not allowed: the store or a file is read-only here",
    CONFLICT: "conflict: something else stands there, or came between; nothing was written",
    UNAVAILABLE: "unavailable: locked, full or unreachable; try again",
    INTERRUPTED: "interrupted with Ctrl-C",
    PIPE_CLOSED: "whoever read the output stopped reading",
}

_BY_ERROR: Final[tuple[tuple[type[Exception], int], ...]] = (
    (UsageError, USAGE),
    (NotFound, NOT_FOUND),
    (FileNotFoundError, NOT_FOUND),
    (Forbidden, NOT_ALLOWED),
    (PermissionError, NOT_ALLOWED),
    (Conflict, CONFLICT),
    (Gone, CONFLICT),
    (FileExistsError, CONFLICT),
    (Unavailable, UNAVAILABLE),
)
_OPTIONAL: Final = ("attrs", "cyclopts", "docstring_parser", "rich", "rich_rst")
_NO_ROOM: Final = (errno.ENOSPC, errno.EDQUOT)


def code_of(error: Exception) -> int:
    """Return the exit code that an error means."""
    for kind, code in _BY_ERROR:
        if isinstance(error, kind):
            return code
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return UNAVAILABLE
    return FAILED


def lacks_extra(error: Exception) -> bool:
    """Tell whether a package of the extra `cli` is not installed."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    return (name or "").partition(".")[0] in _OPTIONAL


def is_expected(error: Exception) -> bool:
    """Tell whether an error's own words are meant for people; others are a fault of the program."""
    return isinstance(error, (ThreadkeepError, OSError))
