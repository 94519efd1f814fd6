"""Lines of an export with a place to go back to: from a file, or from a pipe."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import BinaryIO

LONGEST = 1 << 30  # bytes of a line
HELD = 8 << 20  # bytes of a pipe that are held in memory; more goes to a temporary file


class FileSource:
    """Lines of a file; `read` counts the bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._marked = 0
        self.read = 0

    def readline(self) -> bytes:
        """Return the next line; nothing after the last."""
        data = self._file.readline(LONGEST)
        self.read += len(data)
        return data

    def mark(self) -> None:
        """Remember this place."""
        self._marked = self.read

    def rewind(self) -> None:
        """Go back to the marked place."""
        self._file.seek(self._marked)
        self.read = self._marked


class PipeSource:
    """Lines of a stream that cannot go back: what was read since the mark is kept in a spool."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._spool = _spool()
        self._replaying = False
        self.read = 0

    def readline(self) -> bytes:
        """Return the next line; nothing after the last."""
        if self._replaying:
            data = self._spool.readline(LONGEST)
            if data:
                return data
            self._replaying = False
        data = self._stream.readline(LONGEST)
        self.read += len(data)
        self._spool.write(data)
        return data

    def mark(self) -> None:
        """Remember this place and forget what was kept before it."""
        self._spool.close()
        self._spool = _spool()
        self._replaying = False

    def rewind(self) -> None:
        """Go back to the marked place."""
        self._spool.seek(0)
        self._replaying = True

    def close(self) -> None:
        """Forget what was kept."""
        self._spool.close()


def _spool() -> SpooledTemporaryFile[bytes]:
    return SpooledTemporaryFile(max_size=HELD)
