"""Running a function in a forked process."""

from __future__ import annotations

import os
from collections.abc import Callable


def in_child(call: Callable[[], None]) -> int:
    """Return 0 when the call returned in a forked process, 1 when it raised."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            call()
            code = 0
        finally:
            os._exit(code)  # whatever happened: the rest of the test is the parent's
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
