"""Killed in the middle: run again, it is finished, and everything is there once."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.cli.contents import BIG, contents, fill

OTHER = ("--store", "sqlite:///other.db")
# dies, as by `kill -9`, before the n-th write to the target
KILLER = """
import os, signal, sys
from threadkeep._async.drivers.sqlite import AsyncSqliteEngine
from threadkeep._sync.drivers.sqlite import SqliteEngine
from threadkeep.cli import main
left = int(sys.argv.pop(1))
def dying(run):  # for either kind: what is awaited is what the method returns
    def one(self, batch):
        global left
        if batch.writes:
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return run(self, batch)
    return one
for engine in (SqliteEngine, AsyncSqliteEngine):
    engine.run = dying(engine.run)
sys.exit(main(sys.argv[1:]))
"""
# dies before the n-th line of an export is written
CUTTER = """
import os, signal, sys
from threadkeep._sync import transfer_export
from threadkeep.cli import main
left, put = int(sys.argv.pop(1)), transfer_export.Export._put
def dying(self, line):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    put(self, line)
transfer_export.Export._put = dying
sys.exit(main(sys.argv[1:]))
"""


def die(tk: Program, code: str, after: int, *words: str) -> bool:
    """Run a command that is killed after so many writes; False when it ended before."""
    done = subprocess.run(
        [sys.executable, "-c", code, str(after), *words],
        cwd=tk.folder, env=tk.env, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr
    return done.returncode != 0


@pytest.fixture
def filled(tk: Program) -> Program:
    with tk.store("store.db?durability=normal") as store:
        fill(store, big=6_000)
    return tk


def forget(tk: Program, name: str) -> None:
    for path in tk.folder.glob(f"{name}*"):
        path.unlink()


def marks(path: Path) -> int:
    with sqlite3.connect(path) as con:
        (count,) = con.execute("select count(*) from tk_field where map = '#import'").fetchone()
    con.close()
    return count


def same(tk: Program) -> bool:
    with tk.store("store.db?mode=ro") as one, tk.store("other.db?mode=ro") as two:
        return contents(one) == contents(two)


@pytest.mark.parametrize(
    "words",
    [("import", "a.jsonl", *OTHER), ("copy", "sqlite:///store.db", "sqlite:///other.db")],
    ids=["import", "copy"],
)
def test_killed_at_every_write(filled: Program, words: tuple[str, ...]):
    tk = filled
    tk.ok("export", "a.jsonl")
    resumed, after = 0, 0
    while die(tk, KILLER, after, *words):
        found = tk.ok(*words, "--json").data
        assert found["replaced"] + found["skipped"] + found["expired"] == 0
        assert found["imported"] + found["resumed"] + found["same"] == 7
        resumed += found["resumed"]
        assert same(tk)
        assert marks(tk.path("other.db")) == 0
        forget(tk, "other.db")
        after += 1
    assert after >= 10  # six small entities, and the large one in several batches
    assert resumed >= 3  # killed between two of them, it was taken up where it ended
    assert same(tk)


def test_killed_again_and_again(filled: Program):
    """Each run does a little more; what a killed run wrote is not written again."""
    tk = filled
    tk.ok("export", "a.jsonl")
    heads: list[int] = []
    while die(tk, KILLER, 1, "import", "a.jsonl", *OTHER):
        with tk.store("other.db?mode=ro") as store:
            heads.append(store.thread(BIG).messages.count())
        assert len(heads) < 40
    assert heads == sorted(heads)
    assert len(set(heads)) > 2
    assert same(tk)


def test_an_export_killed_at_any_line_goes_on(filled: Program):
    tk = filled
    tk.ok("export", "whole.jsonl")
    lines = tk.path("whole.jsonl").read_bytes().count(b"\n")
    for after in (0, 1, 2, 4, lines // 2, lines - 3, lines - 1):
        assert die(tk, CUTTER, after, "export", "a.jsonl")
        assert not tk.path("a.jsonl").exists()
        done = tk.ok("export", "a.jsonl", "--resume", "--json").data
        assert (done["entities"], done["fields"], done["items"]) == (7, 212, 6_008)
        assert not tk.path("a.jsonl.part").exists()
        tk.ok("import", "a.jsonl", "--dry-run")
        tk.path("a.jsonl").unlink()
    assert die(tk, CUTTER, lines - 1, "export", "a.jsonl")
    tk.ok("export", "a.jsonl")  # without --resume it begins anew
    tk.ok("import", "a.jsonl", *OTHER)
    assert same(tk)


def test_resume_needs_what_it_goes_on_with(filled: Program):
    tk = filled
    assert tk("export", "a.jsonl", "--resume").code == 3
    assert tk("export", "-", "--resume").code == 2
    assert die(tk, CUTTER, 20, "export", "a.jsonl")
    tk.ok("set", "t", "f", "1", "--namespace", "more")
    ended = tk("export", "a.jsonl", "--resume", "--namespace", "more")
    assert ended.code == 2
    assert "other namespaces" in ended.err


def test_an_export_that_fails_leaves_the_old_one(filled: Program):
    tk = filled
    tk.ok("export", "a.jsonl")
    before = tk.path("a.jsonl").read_bytes()
    with sqlite3.connect(tk.path("store.db")) as con:
        con.execute(
            "update tk_item set refs = 'no json' where pos = (select max(pos) from tk_item)"
        )
    con.close()
    assert tk("export", "a.jsonl", "--force").code != 0
    assert tk.path("a.jsonl").read_bytes() == before
