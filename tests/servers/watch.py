"""Ends what the tests started and removes their folders, whatever ends the tests.

A process of its own that reads `+` and `-` of pids and folders from its standard input. When that
ends, so did the tests, and what is still noted goes. (Linux could signal a child when its parent dies,
but means the thread that started it, and removes no folder.)
"""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path


class Watch:
    """The tests' side: `note` before something may be left behind, `forget` when it is gone."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def note(self, what: int | Path) -> None:
        self._say(f"+{what}\n")

    def forget(self, what: int | Path) -> None:
        self._say(f"-{what}\n")

    def _say(self, line: str) -> None:
        with self._guard:
            pipe = self._started().stdin
            assert pipe is not None
            pipe.write(line.encode())
            pipe.flush()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid():
            self._owner = os.getpid()
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", __file__],
                stdin=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C is for the tests, which then end their servers
            )
            atexit.register(self._end, os.getpid())
        return self._process

    def _end(self, owner: int) -> None:
        if self._process is not None and owner == os.getpid():
            self._process.communicate()


WATCH = Watch()


def main() -> None:
    """Read until the end, then end and remove what is left."""
    left: set[str] = set()
    for line in sys.stdin:
        what = line[1:].strip()
        left.add(what) if line[0] == "+" else left.discard(what)
    for what in left:
        if what.isdecimal():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(what), signal.SIGKILL)
    for what in left:
        if not what.isdecimal():
            shutil.rmtree(what, ignore_errors=True)


if __name__ == "__main__":
    main()
