"""The command line is quick, and needs little memory whatever a thread weighs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.cli.conftest import Program

pytestmark = pytest.mark.serial

PEAK = """
import resource, sys
from threadkeep.cli import main
code = main(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
sys.exit(code)
"""


ENGINES = ("sqlite3", "hiredis", "cryptography", "hypothesis")
LOADED = """
import json, sys
from threadkeep.cli import main
try:
    main(sys.argv[1:])
finally:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("words", "not_needed"),
    [
        (["--version"], (*ENGINES, "asyncio", "msgspec", "cyclopts", "rich.console", "rich.table")),
        (["--help"], ENGINES),
        (["show", "--help"], ENGINES),
    ],
)
def test_help_and_version_load_only_what_they_need(
    tk: Program, words: list[str], not_needed: tuple[str, ...]
):
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *words],
        env=tk.env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    loaded = json.loads(done.stderr.splitlines()[-1])
    assert [name for name in not_needed if name in loaded] == []


def peak(tk: Program, *words: str) -> float:
    """Run a command and return the most memory that it held, in MB."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, *words],
        cwd=tk.folder,
        env=tk.env,
        capture_output=True,
        check=False,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    scale = 1_000_000 if sys.platform == "darwin" else 1_000
    return int(done.stderr.splitlines()[-1]) / scale


def test_a_thread_of_100_000_messages_streams(tk: Program):
    """150 MB of messages; SQLite may keep 64 MB of pages, the rest has to be little."""
    with tk.store("store.db?durability=normal") as store:
        thread = store.thread("big")
        for low in range(0, 100_000, 1_000):
            thread.messages.append(
                *({"n": n, "text": "x" * 1_500} for n in range(low, low + 1_000))
            )
    small = peak(tk, "threads")
    words = {
        "export": ("export", "a.jsonl"),
        "import": ("import", "a.jsonl", "--store", "sqlite:///b.db"),
        "again": ("import", "a.jsonl", "--store", "sqlite:///b.db"),
        "copy": ("copy", "sqlite:///store.db", "sqlite:///c.db"),
    }
    peaks = {name: peak(tk, *command) - small for name, command in words.items()}
    assert peaks["export"] < 60, peaks
    assert peaks["import"] < 110, peaks
    assert peaks["again"] < 110, peaks
    assert peaks["copy"] < 140, peaks
