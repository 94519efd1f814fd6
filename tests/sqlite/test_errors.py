"""A database that cannot serve: each case has an error of its own, and nothing is lost."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sqlite.children import in_child
from threadkeep import (
    DataLost,
    Forbidden,
    SchemaMismatch,
    Store,
    Thread,
    Timeout,
    Unavailable,
    UsageError,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with one thread in it."""
    path = tmp_path / "store.db"
    with Store(f"sqlite:///{path}") as store:
        store.thread("t").state.set("kept", "yes")
        store.thread("t").messages.append({"role": "user", "content": "x" * 500})
    return path


def kept(path: Path) -> object:
    with Store(f"sqlite:///{path}") as store:
        return store.thread("t").state.get("kept")


def test_locked(file: Path) -> None:
    """Another program holds the write lock: Timeout for writes, answers for reads."""
    other = sqlite3.connect(file, isolation_level=None)
    with Store(f"sqlite:///{file}?timeout=0.2") as store:
        assert store.thread("t").state.get("kept") == "yes"
        other.execute("begin immediate")
        with pytest.raises(Timeout, match="locked by another process"):
            store.thread("t").state.set("new", 1)
        assert store.thread("t").state.get("kept") == "yes"
        other.execute("rollback")
        store.thread("t").state.set("new", 1)
    other.close()
    assert kept(file) == "yes"


def test_a_read_that_was_to_renew_answers_although_locked(tmp_path: Path) -> None:
    """A lease that cannot be renewed now does not keep a read from its answer."""
    now = [1_800_000_000.0]
    url = f"sqlite:///{tmp_path / 's.db'}?timeout=0.1"
    with Store(url, ttl=100, clock=lambda: now[0]) as store:
        store.thread("t").state.set("x", 1)
        now[0] += 50
        other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
        other.execute("begin immediate")
        assert store.thread("t").state.get("x") == 1
        other.execute("rollback")
        other.close()


def test_read_only(file: Path) -> None:
    """mode=ro reads, also what is due for renewal or has run out, and refuses writes with Forbidden."""
    now = [1_800_000_000.0]
    with Store(f"sqlite:///{file}", clock=lambda: now[0]) as store:
        store.thread("t").state.set("long", 1, ttl=1000)
        store.thread("t").state.set("short", 1, ttl=10)
    now[0] += 500
    with Store(f"sqlite:///{file}?mode=ro", clock=lambda: now[0]) as store:
        thread = store.thread("t")
        assert thread.state.get_all() == {"kept": "yes", "long": 1}
        assert thread.state.get("short") is None
        with pytest.raises(Forbidden, match="read-only"):
            thread.state.set("x", 1)
        assert [info.id for info in store.threads()] == ["t"]
    assert kept(file) == "yes"


def test_no_permission(file: Path) -> None:
    """A file that may not be written is Forbidden, not broken."""
    file.chmod(0o444)
    for folder in file.parents:  # pytest's own are closed to other users
        if folder.name.startswith(("pytest-", "popen-", "test_")):
            folder.chmod(0o755)

    def write() -> None:
        if os.geteuid() == 0:  # whom permissions do not bind
            os.seteuid(65_534)
        with pytest.raises(Forbidden), Store(f"sqlite:///{file}") as store:
            store.thread("t").state.set("x", 1)

    assert in_child(write) == 0
    assert kept(file) == "yes"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 1 MiB."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("capability: mounting a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("capability: mounting a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(thread: Thread, message: str) -> int:
    """Append until it is refused, with that message; return how many were acknowledged."""
    for number in range(2_000):
        try:
            thread.messages.append({"n": number, "text": "x" * 1000})
        except Unavailable as error:
            refused, acknowledged = str(error), number
            break
    else:
        raise AssertionError("the disk never filled")
    assert re.search(message, refused)
    assert acknowledged > 5
    return acknowledged


def test_full(small_disk: Path) -> None:
    """A full disk refuses writes and still answers; with room again the store goes on."""
    with Store(f"sqlite:///{small_disk / 's.db'}") as store:
        thread = store.thread("t")
        thread.state.set("kept", "yes")
        acknowledged = fill(thread, r"full|disk")
        assert thread.state.get("kept") == "yes"
        assert [m["n"] for m in thread.messages.list()] == list(range(acknowledged))


def test_full_at_a_page_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same without a disk of its own: SQLite's own limit of pages."""
    from threadkeep.engines.sql.sqlite import core

    real = core.open_connection

    def limited(*args: Any, **options: Any) -> sqlite3.Connection:
        con = real(*args, **options)
        con.execute("pragma max_page_count = 60")
        return con

    monkeypatch.setattr(core, "open_connection", limited)
    with Store(f"sqlite:///{tmp_path / 's.db'}") as store:
        thread = store.thread("t")
        acknowledged = fill(thread, "full")
        assert [m["n"] for m in thread.messages.list()] == list(range(acknowledged))


def test_corrupt(file: Path) -> None:
    """A database with damaged pages is DataLost, never an empty state."""
    sqlite3.connect(file).execute("pragma wal_checkpoint(truncate)")
    data = bytearray(file.read_bytes())
    for start in range(4096, len(data), 4096):
        data[start : start + 16] = b"\xa5" * 16
    file.write_bytes(data)
    with pytest.raises(DataLost, match="corrupt"), Store(f"sqlite:///{file}") as store:
        store.thread("t").state.get("kept")


def test_no_database(tmp_path: Path) -> None:
    """A file of another kind is named as such and left as it is."""
    path = tmp_path / "letter.db"
    path.write_text("Dear reader, this is a letter and no database at all. " * 200)
    before = path.read_bytes()
    with (
        pytest.raises(SchemaMismatch, match="not an SQLite database"),
        Store(f"sqlite:///{path}") as store,
    ):
        store.thread("t").state.get("x")
    assert path.read_bytes() == before


def test_missing_folder(tmp_path: Path) -> None:
    """A folder that does not exist is Unavailable and says what to check."""
    with (
        pytest.raises(Unavailable, match="folder"),
        Store(f"sqlite:///{tmp_path}/none/s.db") as store,
    ):
        store.thread("t").state.get("x")


def test_newer_schema_is_refused_and_untouched(file: Path) -> None:
    """A store of a later release is not opened, let alone changed."""
    con = sqlite3.connect(file)
    con.execute("insert into tk_migration values (9999, 'later', 'x', 0)")
    con.commit()
    con.execute("pragma wal_checkpoint(truncate)")
    con.close()
    before = file.read_bytes()
    with pytest.raises(SchemaMismatch, match="9999"), Store(f"sqlite:///{file}") as store:
        store.thread("t").state.get("kept")
    assert file.read_bytes() == before


def test_changed_migration_is_refused(file: Path) -> None:
    """A migration that was applied in another form is not built upon."""
    con = sqlite3.connect(file)
    con.execute("update tk_migration set checksum = 'other'")
    con.commit()
    con.close()
    with pytest.raises(SchemaMismatch, match="another form"), Store(f"sqlite:///{file}") as store:
        store.thread("t").state.get("kept")


def test_tables_of_others_are_left_alone(tmp_path: Path) -> None:
    """The store may live in a database that holds other things."""
    path = tmp_path / "shared.db"
    con = sqlite3.connect(path)
    con.execute("create table entity (x)")
    con.execute("insert into entity values (7)")
    con.commit()
    with Store(f"sqlite:///{path}") as store:
        store.thread("t").state.set("x", 1)
        store.thread("t").destroy()
    assert con.execute("select x from entity").fetchall() == [(7,)]
    con.close()


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///s.db?durability=some",
        "sqlite:///s.db?mode=x",
        "sqlite:///s.db?timeout=soon",
        "sqlite:///s.db?unknown=1",
        "sqlite:///s.db?mode=ro&mode=rw",
        "sqlite://host/s.db",
        "nothing://x",
        "no url",
    ],
)
def test_bad_urls(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A URL that cannot be is a UsageError, and no file is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        Store(url)
    assert list(tmp_path.iterdir()) == []


def test_paths_with_anything_in_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spaces, percent signs (as %25), question marks (as %3F) and other scripts are part of a path."""
    monkeypatch.chdir(tmp_path)
    for url, name in (
        ("sqlite:///with space.db", "with space.db"),
        ("sqlite:///a%25b.db", "a%b.db"),
        ("sqlite:///a%3Fb.db", "a?b.db"),
        ("sqlite:///данни.db", "данни.db"),
        ("sqlite:///a#b.db", "a#b.db"),
    ):
        with Store(url) as store:
            store.thread("t").state.set("x", 1)
        assert (tmp_path / name).exists(), name
