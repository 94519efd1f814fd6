"""Releases after this one: copies of the package with migrations of their own, run as programs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SECONDS = 120


class Release:
    """A copy of this release, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "src" / "threadkeep", folder / "threadkeep")
        kept = {name: v for name, v in os.environ.items() if not name.startswith("THREADKEEP_")}
        self.env = {**kept, "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)])}

    def of(self, dialect: str) -> Path:
        return self.folder / "threadkeep" / "engines" / "sql" / dialect

    def add(self, dialect: str, name: str, sql: str) -> None:
        """Give it one more migration; `name`: the file's without `.sql`."""
        (self.of(dialect) / "migrations" / f"{name}.sql").write_text(sql, encoding="utf-8")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "threadkeep", *words]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run its command line to the end."""
        return self._ended(self.command(*words))

    def _ended(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=self.env, capture_output=True, text=True, timeout=SECONDS, check=False
        )

    def ok(self, *words: str) -> str:
        """Run a command that must succeed, and return what it printed."""
        done = self.run(*words)
        assert done.returncode == 0, done
        return done.stdout

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command; who starts it ends it."""
        command, pipe = self.command(*words), subprocess.PIPE
        return subprocess.Popen(command, env=self.env, text=True, stdout=pipe, stderr=pipe)

    def checked(self, url: str) -> None:
        """Find in a store, by this release, what stands in fixtures."""
        program = (
            "import sys; from threadkeep import Store; from tests.migrations.contents import check\n"
            "with Store(sys.argv[1]) as store: check(store)"
        )
        done = self._ended([sys.executable, "-c", program, url])
        assert done.returncode == 0, done.stderr
