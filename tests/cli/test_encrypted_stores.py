"""Encrypted stores: keys from the environment or a file, never from a flag, never shown."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import Program, one_line
from tests.cli.contents import contents, entries, fill
from threadkeep._sync.wrappers.checksum import Checksum
from threadkeep._sync.wrappers.encrypt import Encrypt
from threadkeep.model.keys import KeyRing, new_key

OTHER = ("--store", "sqlite:///other.db")
SECRET = "the password is swordfish"


@pytest.fixture
def key() -> str:
    return new_key()


@pytest.fixture
def locked(tk: Program, key: str) -> Program:
    """A program with keys, and a store that is encrypted under them."""
    ring = KeyRing({"k1": key})
    with tk.store(wrap=[lambda engine: Encrypt(engine, ring)]) as store:
        fill(store, big=2_500)
        store.thread("s").state.set("secret", SECRET)
    tk.env["THREADKEEP_KEYS"] = f"k1={key}"
    return tk


def test_values_are_read_and_written_with_the_keys(locked: Program, key: str):
    tk = locked
    assert tk.ok("get", "s", "secret").out == SECRET + "\n"
    tk.ok("set", "s", "more", SECRET)
    assert SECRET.encode() not in tk.path("store.db").read_bytes()
    del tk.env["THREADKEEP_KEYS"]
    ended = tk("get", "s", "secret")
    assert ended.code == 1
    assert "encrypted" in one_line(ended.err)
    tk.path("keys").write_text(f"# keys\nk1={key}\n")
    assert tk.ok("get", "s", "more", "--keys-file", "keys").out == SECRET + "\n"
    assert tk("get", "s", "more", env={"THREADKEEP_KEYS_FILE": "keys"}).out == SECRET + "\n"


def test_no_message_shows_a_key(locked: Program, key: str):
    tk = locked
    for keys, code in (
        (f"k2={new_key()}", 1),
        (f"k1={key[:-6]}", 2),
        (key, 2),
        (f"k1={key},k1={key}", 2),
    ):
        ended = tk("get", "s", "secret", env={"THREADKEEP_KEYS": keys})
        assert ended.code == code, ended
        shown = one_line(ended.err)
        assert key[:10] not in shown
        assert keys[5:20] not in shown
    assert tk("get", "s", "secret", "--keys-file", "none").code == 3
    assert tk("get", "s", "secret", "--keys", f"k1={key}").code == 2


def read(tk: Program, name: str, key: str) -> dict[str, object]:
    ring = KeyRing({"k1": key})
    with tk.store(f"{name}?mode=ro", wrap=[lambda engine: Encrypt(engine, ring)]) as store:
        return contents(store)


def test_an_export_with_keys_is_plaintext_and_says_so(locked: Program, key: str):
    tk = locked
    ended = tk.ok("export", "a.jsonl")
    assert "plaintext" in ended.err
    assert SECRET in tk.path("a.jsonl").read_text()
    tk.ok("import", "a.jsonl", *OTHER)
    assert SECRET.encode() not in tk.path("other.db").read_bytes()
    assert read(tk, "other.db", key) == read(tk, "store.db", key)
    assert tk.ok("import", "a.jsonl", *OTHER, "--json").data["imported"] == 0


def test_an_export_without_keys_stays_encrypted(locked: Program, key: str):
    tk = locked
    del tk.env["THREADKEEP_KEYS"]
    ended = tk.ok("export", "a.jsonl")
    assert "plaintext" not in ended.err
    assert SECRET not in tk.path("a.jsonl").read_text()
    tk.ok("import", "a.jsonl", *OTHER)
    tk.ok("copy", "sqlite:///store.db", "sqlite:///copy.db")
    assert read(tk, "other.db", key) == read(tk, "store.db", key) == read(tk, "copy.db", key)


def test_the_demo_is_encrypted_too(locked: Program):
    locked.ok("demo", "book a flight to Plovdiv on 2026-06-01", *OTHER)
    assert b"Plovdiv" not in locked.path("other.db").read_bytes() + _wal(locked)
    assert "Plovdiv" in locked.ok("show", "user-42-thread-001", *OTHER).out


def _wal(tk: Program) -> bytes:
    path = tk.path("other.db-wal")
    return path.read_bytes() if path.exists() else b""


def test_values_with_checksums(tk: Program):
    with tk.store(wrap=[Checksum]) as store:
        fill(store)
        store.thread("s").state.set("f", {"a": 1})
    assert json.loads(tk.ok("get", "s", "f").out) == {"a": 1}
    tk.ok("set", "s", "g", "2", "--checksum")
    tk.ok("export", "raw.jsonl")
    tk.ok("export", "open.jsonl", "--checksum")
    assert '"book_flight"' not in tk.path("raw.jsonl").read_text()
    assert '"book_flight"' in tk.path("open.jsonl").read_text()
    tk.ok("import", "raw.jsonl", "--store", "sqlite:///one.db")
    tk.ok("import", "open.jsonl", "--store", "sqlite:///two.db", "--checksum")
    for name in ("store.db", "one.db", "two.db"):
        with tk.store(name, wrap=[Checksum]) as store:
            assert entries(store.thread("s").state).keys() == {"f", "g"}
            assert store.thread("s").state.get_all() == {"f": {"a": 1}, "g": 2}
