"""A FUSE file system in a process of its own that loses what was not synced when it is told to.

    python -m tests.faults.lossy_fs MOUNTPOINT BACKING

It serves the files of BACKING from memory and never changes BACKING. Commands come as JSON lines
on stdin, answers leave as JSON lines on stdout; end of stdin unmounts. Each command is answered by
{"ordered": true} when it holds, and again when it is carried out.

    {"cut": "drop"|"scatter", "seed": 7, "after": 12, "image": DIRECTORY, "kill": PID or null}
        At the 12th write, resize or sync from now, before it is carried out: write what survives
        into DIRECTORY, answer {"requests": {...}}, and fail this and every later request with EIO.
        PID is killed at that moment, so that it acknowledges nothing after it.
    {"fail_sync": 3}
        Fail the 3rd sync of a file from now with EIO and lose what it should have made durable, as
        Linux does; answer {"failed": NAME}. Later syncs succeed again.

Needs the Python package mfusepy and libfuse 3 (Debian: fuse3, which brings libfuse3 and the
fusermount3 that unmounts). The kernel's write-back cache is never switched on, so the kernel
passes a write on before the call returns, and only bytes that went through SQLite's memory map of
the -shm file arrive later; nothing durable depends on those, because recovery builds them anew.
"""

# ruff: noqa: ARG002 - mfusepy passes these arguments by position

from __future__ import annotations

import errno
import itertools
import json
import os
import signal
import stat
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import mfusepy

from tests.faults.disk import Cut, Disk, File, Resize, Write


@dataclass
class Order:
    """A cut that is due after so many more requests that change or sync something."""

    after: int
    cut: Cut
    seed: int
    image: Path
    kill: int | None


class LossyFs(mfusepy.Operations):
    """Serve one `Disk`; requests run under one lock, so a cut falls between two of them."""

    use_ns = True

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._lock = threading.Lock()
        self._handles: dict[int, File] = {}
        self._numbers = itertools.count(1)
        self._order: Order | None = None
        self._dead = False
        self._good_syncs: int | None = None
        self.requests: Counter[str] = Counter()

    def order(self, order: Order) -> None:
        with self._lock:
            self._order = order
            _answer({"ordered": True})  # before any answer that the order itself brings

    def fail_sync(self, number: int) -> None:
        with self._lock:
            self._good_syncs = number - 1
            _answer({"ordered": True})

    # -- names

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        with self._alive():
            if path == "/":
                return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
            file = self._handles[fh] if fh else self._file(path)
            size = len(file.current)
            return {
                "st_mode": stat.S_IFREG | 0o644,
                "st_nlink": 1,
                "st_size": size,
                "st_uid": os.getuid(),
                "st_gid": os.getgid(),
                "st_blocks": (size + 511) // 512,
            }

    def readdir(self, path: str, fh: int) -> list[str]:
        with self._alive():
            return [".", "..", *self._disk.names]

    def unlink(self, path: str) -> int:
        with self._changing("unlink"):
            self._file(path)
            self._disk.unlink(path[1:])
            return 0

    def rename(self, old: str, new: str) -> int:
        with self._changing("rename"):
            self._file(old)
            self._disk.rename(old[1:], new[1:])
            return 0

    def fsyncdir(self, path: str, datasync: int, fh: int) -> int:
        with self._changing("fsyncdir"):
            self._disk.sync_names()
            return 0

    def chmod(self, path: str, mode: int) -> int:
        with self._alive():
            return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        with self._alive():
            return 0

    # -- files

    def create(self, path: str, mode: int, fi: object = None) -> int:
        with self._changing("create"):
            return self._handle(self._disk.create(path[1:]))

    def open(self, path: str, flags: int) -> int:
        emptied = bool(flags & os.O_TRUNC)
        with self._changing("truncate") if emptied else self._alive():
            file = self._file(path)
            if emptied:
                file.change(Resize(0))
            return self._handle(file)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        with self._alive():
            return bytes(self._handles[fh].current[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        with self._changing("write"):
            self._handles[fh].change(Write(offset, data))
            return len(data)

    def truncate(self, path: str, length: int, fh: int | None = None) -> int:
        with self._changing("truncate"):
            file = self._handles[fh] if fh else self._file(path)
            file.change(Resize(length))
            return 0

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        with self._changing("fsync"):
            if self._good_syncs == 0:
                self._good_syncs = None
                self._handles[fh].fail_to_sync()
                _answer({"failed": path[1:]})
                raise mfusepy.FuseOSError(errno.EIO)
            if self._good_syncs is not None:
                self._good_syncs -= 1
            self._handles[fh].sync()
            return 0

    def release(self, path: str, fh: int) -> int:
        with self._lock:
            self._handles.pop(fh, None)
            return 0

    # -- the cut

    def _file(self, path: str) -> File:
        file = self._disk.names.get(path[1:])
        if file is None:
            raise mfusepy.FuseOSError(errno.ENOENT)
        return file

    def _handle(self, file: File) -> int:
        number = next(self._numbers)
        self._handles[number] = file
        return number

    @contextmanager
    def _alive(self) -> Iterator[None]:
        with self._lock:
            if self._dead:
                raise mfusepy.FuseOSError(errno.EIO)
            yield

    @contextmanager
    def _changing(self, kind: str) -> Iterator[None]:
        with self._alive():
            if self._order and (self._order.after <= 0):
                self._cut(self._order)
                raise mfusepy.FuseOSError(errno.EIO)
            if self._order:
                self._order.after -= 1
            self.requests[kind] += 1
            yield

    def _cut(self, order: Order) -> None:
        self._dead = True
        if order.kill is not None:
            os.kill(order.kill, signal.SIGKILL)
        order.image.mkdir(parents=True, exist_ok=True)
        for name, content in self._disk.after(order.cut, Random(order.seed)).items():
            (order.image / name).write_bytes(content)
        _answer({"requests": dict(self.requests)})


def _answer(message: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _obey(fs: LossyFs) -> None:
    for line in sys.stdin:
        order = json.loads(line)
        if "fail_sync" in order:
            fs.fail_sync(order["fail_sync"])
        else:
            image = Path(order["image"])
            cut = Cut(order["cut"])
            fs.order(Order(order["after"], cut, order["seed"], image, order["kill"]))


def _obey_until_end(fs: LossyFs, mountpoint: str) -> None:
    try:
        _obey(fs)
    finally:
        os.spawnlp(os.P_WAIT, "fusermount3", "fusermount3", "-u", "-z", "-q", mountpoint)


def main(mountpoint: str, backing: str) -> None:
    """Serve until stdin ends."""
    files = {p.name: p.read_bytes() for p in Path(backing).iterdir() if p.is_file()}
    fs = LossyFs(Disk(files))
    threading.Thread(target=_obey_until_end, args=(fs, mountpoint), daemon=True).start()
    mfusepy.FUSE(fs, mountpoint, foreground=True, nothreads=True, hard_remove=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
