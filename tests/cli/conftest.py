"""The command line as a program: started as a process, judged by exit code, stdout and stderr."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from threadkeep import Store

SECONDS = 60
DROPPED = {"COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM"}


class Ended(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Return stdout, which must be one JSON document in one line."""
        assert self.out.endswith("\n")
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Return stdout as JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


class Program:
    """`python -m threadkeep` in a folder of its own, with the store in `store.db`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        kept = {
            k: v
            for k, v in os.environ.items()
            if k not in DROPPED and not k.startswith("THREADKEEP_")
        }
        self.env = {
            **kept,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "PYTHONWARNINGS": "error",
            "THREADKEEP_URL": "sqlite:///store.db",
        }
        self.command = [sys.executable, "-m", "threadkeep"]

    def __call__(
        self, *words: str, stdin: str | bytes = b"", env: dict[str, str] | None = None
    ) -> Ended:
        """Run a command to its end."""
        raw = self.raw(*words, stdin=stdin, env=env)
        return Ended(raw.returncode, raw.stdout.decode(), raw.stderr.decode())

    def raw(
        self, *words: str, stdin: str | bytes = b"", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end; its output as bytes."""
        return subprocess.run(
            [*self.command, *words],
            cwd=self.folder,
            env={**self.env, **(env or {})},
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )

    def start(
        self,
        *words: str,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        """Start a command; whoever starts it ends it."""
        command = [*self.command, *words]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.env, stdin=stdin, stdout=stdout, stderr=stderr
        )

    def ok(self, *words: str, stdin: str | bytes = b"") -> Ended:
        """Run a command that must succeed."""
        ended = self(*words, stdin=stdin)
        assert ended.code == 0, ended
        return ended

    def path(self, name: str) -> Path:
        """Return a file of the folder."""
        return self.folder / name

    def files(self) -> list[str]:
        """Return the names of all files in the folder."""
        return sorted(path.name for path in self.folder.iterdir())

    def store(self, name: str = "store.db", **options: Any) -> Store:
        """Return a store of the folder, for what a test prepares or looks at."""
        return Store(f"sqlite:///{self.folder}/{name}", **options)


@pytest.fixture
def tk(tmp_path: Path) -> Program:
    """Return the program."""
    return Program(tmp_path)


def one_line(text: str) -> str:
    """Return the only line of a text; fail on a traceback."""
    assert "Traceback" not in text
    lines: Sequence[str] = text.splitlines()
    assert len(lines) == 1, text
    return lines[0]
