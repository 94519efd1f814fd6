"""Keys, their content types, leases and what holds for their namespaces travel by export, import and copy."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Program
from threadkeep import FOREVER, Store

OTHER = ("--store", "sqlite:///other.db")


@pytest.fixture
def tk(tmp_path: Path) -> Program:
    program = Program(tmp_path)
    with program.store() as store:
        archives = store.kv("archives")
        archives.set_defaults(ttl=604_800, sliding=False)
        archives.set("plain", {"messages": ["hi"]})
        archives.set("pdf", b"%PDF\x00", content_type="application/pdf")
        archives.set("until", "x", expires_at=datetime(2040, 1, 1, tzinfo=UTC))
        archives.set("forever", 1, ttl=FOREVER)
        store.kv("a name with spaces ! ").set("  key ", [1])
    return program


def contents(store: Store) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in store.kv_namespaces():
        kv = store.kv(name)
        facts: dict[str, Any] = {}
        keys = list(kv.keys())
        for key in keys:
            one = kv.get(key, renew=False)
            assert one is not None
            facts[key] = (one.value, one.content_type, one.lease, one.expires_at, one.bytes)
        found[name] = (kv.defaults(), facts)
    return found


def both(tk: Program) -> tuple[dict[str, Any], dict[str, Any]]:
    with tk.store() as here, tk.store("other.db") as there:
        return contents(here), contents(there)


def test_export_and_import(tk: Program):
    assert tk.ok("export", "a.jsonl", "--json").data["entities"] == 6
    assert tk.ok("import", "a.jsonl", *OTHER, "--json").data["imported"] == 6
    here, there = both(tk)
    assert here == there
    assert set(there) == {"archives", "a name with spaces ! "}
    assert there["archives"][1]["pdf"][:2] == (b"%PDF\x00", "application/pdf")
    assert tk.ok("import", "a.jsonl", *OTHER, "--json").data["same"] == 6


def test_copy(tk: Program):
    done = tk.ok("copy", "sqlite:///store.db", "sqlite:///other.db", "--json")
    assert done.data["imported"] == 6
    here, there = both(tk)
    assert here == there
