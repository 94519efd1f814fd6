"""The price of durability on this disk: the time of one fdatasync after a small write."""

import os
from pathlib import Path
from time import perf_counter_ns
from typing import Final

_PAGE: Final = 4096
# macOS has no fdatasync
_sync: Final = getattr(os, "fdatasync", os.fsync)

MEMORY_SPEED_US: Final = 15.0
"""Under this an fdatasync has most likely reached no disk (tmpfs and the like)."""


class Disk:
    """Samples spread over the run, so that they see the disk that the subjects see."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "fdatasync.probe"
        self.nanoseconds: list[int] = []

    def sample(self, count: int) -> None:
        """Append a page and flush it, `count` times."""
        page = os.urandom(_PAGE)
        handle = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        try:
            for _ in range(count):
                os.write(handle, page)
                start = perf_counter_ns()
                _sync(handle)
                self.nanoseconds.append(perf_counter_ns() - start)
        finally:
            os.close(handle)
