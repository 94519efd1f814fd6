"""Open a subject for one part of the run, check that it does what it says, close it."""

import shutil
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from benchmarks.loop import Loop
from benchmarks.subjects import load
from benchmarks.subjects.base import Op, Subject
from benchmarks.workload import FIELDS, LAST


class WrongAnswer(Exception):
    """A subject did not return what it was given, so its times would mean nothing."""


@contextmanager
def opened(loop: Loop, names: Sequence[str], folder: Path) -> Generator[dict[str, Subject]]:
    """Open each subject in an empty folder of its own; remove the folders at the end."""
    subjects: dict[str, Subject] = {}
    try:
        for name in names:
            subjects[name] = _open(loop, name, folder)
        yield subjects
    finally:
        for name, subject in subjects.items():
            loop.settle(subject.close())
            shutil.rmtree(place(folder, name), ignore_errors=True)


def place(folder: Path, name: str) -> Path:
    """Name the folder of one subject."""
    return folder / "".join(letter if letter.isalnum() else "-" for letter in name)


def _open(loop: Loop, name: str, folder: Path) -> Subject:
    where = place(folder, name)
    where.mkdir(parents=True)
    subject = load(name)()
    loop.settle(subject.setup(where))
    return subject


def verify(loop: Loop, subject: Subject, thread: int) -> None:
    """Call each operation once on a filled thread and look at the answer.

    Raises WrongAnswer.
    """
    expected: dict[Op, int] = {"last": LAST, "all": FIELDS}
    for op, call in subject.calls.items():
        answer = loop.settle(call(thread))
        if op in ("get", "page") and not answer:
            raise WrongAnswer(f"{subject.name}: {op} returned {answer!r}")
        if op in expected and len(cast("Sequence[object]", answer)) != expected[op]:
            raise WrongAnswer(f"{subject.name}: {op} did not return {expected[op]} entries")
    _verify_append(loop, subject, thread)


def _verify_append(loop: Loop, subject: Subject, thread: int) -> None:
    """Check that what was appended is what the next reading ends with, where the store is a log."""
    if "append" not in subject.calls:
        return
    before = loop.settle(subject.calls["last"](thread))
    loop.settle(subject.calls["append"](thread))
    if loop.settle(subject.calls["last"](thread)) == before:
        raise WrongAnswer(f"{subject.name}: an appended pair was not there afterwards")
