"""Record what a subject does to its files with strace, as a list of system calls.

This is the way to a power cut where no FUSE file system can be mounted: `replay` turns any first
part of the recording into the disk that a power cut at that moment would have left.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

NAMES = ("?open", "openat", "close", "?unlink", "unlinkat", "?rename", "renameat", "renameat2")
DATA = ("write", "pwrite64", "ftruncate", "fsync", "fdatasync")
# SQLite uses none of these; a recording that holds one for a file of the subject is refused
UNEXPECTED = (
    *("?creat", "truncate", "writev", "pwritev", "pwritev2", "sendfile", "copy_file_range"),
    *("fallocate", "sync_file_range", "?link", "linkat", "?symlink", "symlinkat", "dup", "?dup2"),
)

_LINE = re.compile(r"(\d+) +(.*)")
_UNFINISHED = re.compile(r"(\w+)\((.*?),? *<unfinished \.\.\.>")
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_WHOLE = re.compile(r"(\w+)\((.*)\) += (-?\d+)")


@dataclass(frozen=True)
class Call:
    """One system call of one thread; `result` is None at the moment when it begins."""

    thread: int
    name: str
    arguments: tuple[str, ...]
    result: int | None

    def number(self, position: int) -> int:
        return int(self.arguments[position])

    def data(self, position: int) -> bytes:
        text = self.arguments[position]
        if not (text.startswith('"') and text.endswith('"')):
            raise ValueError(f"{self.name}: {text[:40]} is not a whole string")
        return bytes.fromhex(text[1:-1].replace("\\x", ""))


def recorder(strace: str, recording: Path) -> list[str]:
    """The command that runs a program and records its calls."""
    calls = ",".join((*NAMES, *DATA, *UNEXPECTED))
    limits = ["-xx", "-s", "100000000"]
    return [strace, "-f", "-qq", *limits, "-o", str(recording), "-e", f"trace={calls}"]


def calls(lines: Iterable[str]) -> Iterator[Call]:
    """Each call twice: when it begins and, unless the recording breaks off, when it ends."""
    unfinished: dict[int, str] = {}
    for line in lines:
        if not (split := _LINE.match(line)):
            continue
        thread, text = int(split[1]), split[2]
        if begun := _UNFINISHED.match(text):
            unfinished[thread] = f"{begun[1]}({begun[2]}"
            yield _call(thread, begun[1], begun[2], None)
        elif resumed := _RESUMED.match(text):
            yield from _whole(thread, _joined(unfinished.pop(thread), resumed[2]))
        elif whole := _WHOLE.match(text):
            yield _call(thread, whole[1], whole[2], None)
            yield from _whole(thread, text)


def _joined(first: str, rest: str) -> str:
    separator = "" if rest.startswith(")") or first.endswith("(") else ", "
    return first + separator + rest.lstrip(" ,")


def _whole(thread: int, text: str) -> Iterator[Call]:
    if whole := _WHOLE.match(text):
        yield _call(thread, whole[1], whole[2], int(whole[3]))


def _call(thread: int, name: str, arguments: str, result: int | None) -> Call:
    return Call(thread, name, tuple(arguments.split(", ")), result)
