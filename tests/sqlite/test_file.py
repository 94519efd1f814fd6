"""What the file itself promises: readable views, plans without scans, bytes that do not grow."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sqlite.children import in_child
from threadkeep import AsyncStore, Store, UsageError
from threadkeep.engines.sql.sqlite.view import SQL


def test_views_are_readable(tmp_path: Path) -> None:
    """People find threads, fields and messages by plain SQL."""
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        thread = store.thread("t")
        thread.state.set("cart", {"SOF": 1}, ttl=60)
        thread.state.set("raw", b"\x00\x01")
        thread.messages.append({"role": "user", "content": "здравей"})
        thread.set_labels(user="alice")
    con = sqlite3.connect(tmp_path / "s.db")
    assert con.execute("select id, fields, items from tk_threads").fetchall() == [("t", 2, 1)]
    found = dict(con.execute("select name, value from tk_fields where map = 'state'").fetchall())
    assert found["cart"] == '{"SOF":1}'
    query = (
        "select json_extract(value, '$.content') from tk_items where log = 'messages' and seq = 1"
    )
    assert con.execute(query).fetchone() == ("здравей",)
    con.close()


HOT = [
    "entity", "get_one", "update_hot", "update_entity", "field", "field_stat", "map_all",
    "map_prefix", "put_field", "delete_field", "move_end", "run_out", "first_end", "maps", "logs",
    "log", "update_log", "items_oldest", "items_newest", "item", "item_by_id", "put_item",
    "items_weight", "due", "alive_by_id", "alive_newest", "moved_newest", "labelled_newest",
    "labelled_moved", "label_count", "top_listed", "tombstone", "delete_tombstones",
]  # fmt: skip


def marks(sql: str) -> int:
    """Return how many values a statement takes: those numbered, or one a mark."""
    numbered = [int(number) for number in re.findall(r"\?(\d+)", sql)]
    return max(numbered, default=sql.count("?"))


@pytest.mark.parametrize("name", HOT)
def test_no_statement_scans_a_table(name: str, tmp_path: Path) -> None:
    """Each statement finds its rows by an index or key."""
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        store.thread("t").state.set("x", 1)
    con = sqlite3.connect(tmp_path / "s.db")
    sql = SQL[name]
    names = (
        "ns",
        "kind",
        "last",
        "prefix",
        "low",
        "upper",
        "others",
        "now",
        "limit",
        "below",
        "seen",
        "since",
        "top",
        "name",
        "value",
    )
    args: Any = dict.fromkeys(names, "") if ":ns" in sql else [""] * marks(sql)
    plan = [row[3] for row in con.execute("explain query plan " + sql, args)]
    scans = [
        step
        for step in plan
        if step.startswith("SCAN") and "json_each" not in step and "VIRTUAL" not in step
    ]
    allowed = [
        step for step in scans if "CONSTANT ROW" in step or step in ("SCAN o", "SCAN (subquery-1)")
    ]
    assert scans == allowed, plan
    con.close()


def written(path: Path, store: Store, count: int) -> float:
    """Return the bytes that an append adds to the log file, on average."""
    con = sqlite3.connect(path)
    con.execute("pragma wal_checkpoint(truncate)")
    con.close()
    before = Path(f"{path}-wal").stat().st_size
    for number in range(count):
        store.thread("t").messages.append({"role": "user", "content": f"{number:04} " + "x" * 400})
    return (Path(f"{path}-wal").stat().st_size - before) / count


def test_an_append_writes_the_same_however_long_the_history(tmp_path: Path) -> None:
    """Neither 10,000 messages nor a snapshot of 10 MB make an append heavier.

    Both sides have a snapshot: rows that follow a log's in its table cost an append a page or two
    more, however long the log is, as SQLite fills the last page of a table more cheaply than others.
    """
    path = tmp_path / "s.db"
    with Store(f"sqlite:///{path}?durability=normal") as store:
        store.thread("t").messages.append(*[{"n": n} for n in range(1_000)])
        store.thread("t").snapshots.save("small")
        short = written(path, store, 50)
        for start in range(0, 10_000, 1_000):
            store.thread("t").messages.append(*[{"n": n} for n in range(start, start + 1_000)])
        store.thread("t").snapshots.save({"image": "x" * 10_000_000})
        long = written(path, store, 50)
    assert 0 < long <= short * 1.1, (short, long)


def test_readers_do_not_pile_up(tmp_path: Path) -> None:
    """A thousand short-lived threads leave no open files behind."""
    import threading

    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        store.thread("t").state.set("x", 1)
        for _ in range(20):
            group = [
                threading.Thread(target=store.thread("t").state.get, args=("x",)) for _ in range(50)
            ]
            for one in group:
                one.start()
            for one in group:
                one.join()
        handles = (
            len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
        )
        assert handles < 250, handles


def test_two_loops_and_use_after_close(tmp_path: Path) -> None:
    """An AsyncStore belongs to one loop; a closed store says so; closing twice is fine."""
    import asyncio

    store = AsyncStore(f"sqlite:///{tmp_path / 's.db'}")
    asyncio.run(store.thread("t").state.set("x", 1))
    with pytest.raises(UsageError, match="another event loop"):
        asyncio.run(store.thread("t").state.get("x"))
    same = Store(f"sqlite:///{tmp_path / 's.db'}")
    assert same.thread("t").state.get("x") == 1
    same.close()
    same.close()
    with pytest.raises(UsageError, match="closed"):
        same.thread("t").state.get("x")


MAKE = """
import sys
from threadkeep import Store
with Store(sys.argv[1]) as store:
    for n in range(20):
        store.thread("t").state.increment("n")
"""


def test_processes_make_one_file_together(tmp_path: Path) -> None:
    """Several processes that open a new file at once all end well."""
    url = f"sqlite:///{tmp_path / 's.db'}?timeout=30"
    group = [
        subprocess.Popen(
            [sys.executable, "-c", MAKE, url],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(4)
    ]
    assert [one.wait(timeout=60) for one in group] == [0] * 4
    with Store(url) as store:
        assert store.thread("t").state.get("n") == 80


def test_a_fork_gets_an_error_and_harms_nothing(tmp_path: Path) -> None:
    """A store that was open before a fork refuses to work in the child; the parent's goes on."""
    url = f"sqlite:///{tmp_path / 's.db'}"

    def use() -> None:
        with pytest.raises(UsageError, match="forked"):
            store.thread("t").state.get("x")
        store.close()
        with unopened, Store(url) as own:
            own.thread("t").state.increment("x")
            unopened.thread("t").state.increment("x")

    with Store(url) as store:
        unopened = Store(url)
        store.thread("t").state.set("x", 1)
        assert in_child(use) == 0
        assert store.thread("t").state.increment("x") == 4
