"""Replay recorded system calls on a modelled disk, to ask at any moment what a power cut leaves."""

from __future__ import annotations

from pathlib import Path
from random import Random

from tests.faults.disk import Cut, Disk, File, Resize, Write
from tests.faults.ledger import Account
from tests.faults.recording import Call

_UNNAMED = "replay does not model this call on a file of the subject"


class Replay:
    """The ledger and the files of `folder`, empty at first, after the calls fed so far."""

    def __init__(self, folder: Path, ledger: Path) -> None:
        self.disk = Disk()
        self.changes = 0  # writes, syncs and changes of names so far
        self.acknowledged = 0
        self._folder = folder
        self._ledger = ledger
        self._noted = bytearray()
        self._files: dict[int, File | Path] = {}  # a Path: the folder itself, or the ledger
        self._begun: dict[int, int] = {}  # thread -> changes that its sync is sure to cover

    def feed(self, call: Call) -> None:
        """Carry out one call; a sync covers what was written before it began."""
        if call.result is None:
            if call.name in ("fsync", "fdatasync"):
                file = self._files.get(call.number(0))
                self._begun[call.thread] = file.changes if isinstance(file, File) else 0
        elif call.result >= 0:
            self._ended(call, call.result)

    def account(self) -> Account:
        """What the ledger held at this moment."""
        return Account.of([bytes(self._noted)])

    def after(self, cut: Cut, random: Random, image: Path) -> None:
        """Write what a power cut at this moment leaves into the folder `image`."""
        image.mkdir(parents=True)
        for name, content in self.disk.after(cut, random).items():
            (image / name).write_bytes(content)

    def _ended(self, call: Call, result: int) -> None:
        match call.name:
            case "open" | "openat":
                self._open(call, result)
            case "unlink" | "unlinkat":
                if name := self._name(call, call.name == "unlinkat"):
                    self.disk.unlink(name)
                    self.changes += 1
            case "rename" | "renameat" | "renameat2":
                self._rename(call)
            case _:
                self._on_open_file(call, result)

    def _on_open_file(self, call: Call, result: int) -> None:
        if not call.arguments[0].isdigit():
            self._refuse_unless_foreign(call)
            return
        fd = call.number(0)
        match call.name, self._files.get(fd):
            case _, None:
                return
            case "close", _:
                del self._files[fd]
                return
            case "write", Path() as path if path == self._ledger:
                self._noted += call.data(1)[:result]
                self.acknowledged = self._noted.count(b"acked")
                return
            case "fsync" | "fdatasync", Path() as path if path == self._folder:
                self.disk.sync_names()
            case "fsync" | "fdatasync", File() as file:
                file.sync(self._begun[call.thread])
            case "pwrite64", File() as file:
                file.change(Write(call.number(3), call.data(1)[:result]))
            case "ftruncate", File() as file:
                file.change(Resize(call.number(1)))
            case _:
                raise NotImplementedError(f"{_UNNAMED}: {call.name}")
        self.changes += 1

    def _open(self, call: Call, fd: int) -> None:
        at = int(call.name == "openat")
        path, flags = Path(call.data(at).decode()), call.arguments[at + 1].split("|")
        self._files.pop(fd, None)
        if path in (self._folder, self._ledger):
            self._files[fd] = path
        elif path.parent == self._folder:
            file = self.disk.names.get(path.name) or self.disk.create(path.name)
            if "O_TRUNC" in flags:
                file.change(Resize(0))
            self._files[fd] = file

    def _rename(self, call: Call) -> None:
        at = call.name != "rename"
        old, new = self._name(call, at), self._name(call, at, 1)
        if (old is None) != (new is None):
            raise NotImplementedError(f"{_UNNAMED}: {call.name} across folders")
        if old and new:
            self.disk.rename(old, new)
            self.changes += 1

    def _name(self, call: Call, at: bool, number: int = 0) -> str | None:
        """The name of a file in the folder, from the `number`-th path; None: it lies elsewhere."""
        path = Path(call.data(number * 2 + 1 if at else number).decode())
        if at and call.arguments[number * 2] != "AT_FDCWD" and not path.is_absolute():
            raise NotImplementedError(f"{_UNNAMED}: {call.name} relative to a descriptor")
        return path.name if path.parent == self._folder else None

    def _refuse_unless_foreign(self, call: Call) -> None:
        inside = str(self._folder).encode()
        texts = [call.data(i) for i, a in enumerate(call.arguments) if a.startswith('"')]
        if any(text.startswith(inside) for text in texts):
            raise NotImplementedError(f"{_UNNAMED}: {call.name}")
