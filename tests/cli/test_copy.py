"""`copy`: both sides hold the same, and where they do not it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Program, one_line
from tests.cli.contents import contents, fill

SOURCE, TARGET = "sqlite:///store.db", "sqlite:///other.db"
KEYS = [
    "imported",
    "resumed",
    "replaced",
    "same",
    "skipped",
    "expired",
    "entities",
    "fields",
    "items",
    "differences",
]
# changes a thread of the source after it was copied and before both sides are compared
MEDDLER = """
import sys
from threadkeep import Store
from threadkeep._async import transfer_copy
from threadkeep.cli import main
verify = transfer_copy.AsyncCopy.verify
async def meddling(self, namespaces):
    with Store("sqlite:///" + WHERE + ".db") as store:
        store.thread("trimmed").state.set("late", 1)
    return await verify(self, namespaces)
transfer_copy.AsyncCopy.verify = meddling
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture
def filled(tk: Program) -> Program:
    with tk.store("store.db?durability=normal") as store:
        fill(store)
    return tk


def same(tk: Program) -> bool:
    with tk.store("store.db?mode=ro") as one, tk.store("other.db?mode=ro") as two:
        return contents(one) == contents(two)


def test_a_copy_is_the_same_and_is_compared(filled: Program):
    tk = filled
    found = tk.ok("copy", SOURCE, TARGET, "--json").data
    assert list(found) == KEYS
    assert (found["imported"], found["entities"], found["fields"], found["items"]) == (6, 6, 12, 8)
    assert found["differences"] == []
    assert same(tk)
    again = tk.ok("copy", SOURCE, TARGET, "--json").data
    assert (again["imported"], again["same"]) == (0, 6)
    people = tk.ok("copy", SOURCE, TARGET)
    assert people.out == ""
    assert "6 same" in people.err
    assert "compared 6 entities, 12 fields, 8 items: none differ" in people.err


def test_a_copy_of_one_namespace(filled: Program):
    tk = filled
    tk.ok("set", "t", "f", "1", "--namespace", "acme")
    assert (
        tk.ok("copy", SOURCE, "sqlite:///acme.db", "--namespace", "acme", "--json").data["entities"]
        == 1
    )
    assert tk.ok("copy", SOURCE, TARGET, "--json").data["entities"] == 7
    assert tk.ok("get", "t", "f", "--store", TARGET, "--namespace", "acme").out == "1\n"


def test_a_large_thread(tk: Program):
    with tk.store("store.db?durability=normal") as store:
        fill(store, big=5_000)
    assert tk.ok("copy", SOURCE, TARGET, "--json").data["items"] == 5_008
    assert same(tk)


def test_what_differs_stops_the_copy_or_is_listed(filled: Program):
    tk = filled
    tk.ok("set", "trimmed", "mine", "1", "--store", TARGET)
    ended = tk("copy", SOURCE, TARGET)
    assert ended.code == 5
    assert "'trimmed'" in one_line(ended.err)
    skipped = tk("copy", SOURCE, TARGET, "--on-conflict", "skip", "--json")
    assert skipped.code == 1
    assert skipped.data["skipped"] == 1
    assert skipped.data["differences"] == [
        {"namespace": "default", "kind": "thread", "id": "trimmed", "why": "differs", "fields": [0, 1], "items": [3, 0]}
    ]  # fmt: skip
    people = tk("copy", SOURCE, TARGET, "--on-conflict", "skip")
    assert people.code == 1
    assert "trimmed" in people.out
    assert "1 differ" in people.err
    assert tk.ok("copy", SOURCE, TARGET, "--on-conflict", "replace", "--json").data["replaced"] == 1
    assert same(tk)


@pytest.mark.parametrize(
    ("where", "why"), [("store", "was written to in the source"), ("other", "differs")]
)
def test_a_change_behind_its_back_is_found(filled: Program, where: str, why: str):
    tk = filled
    tk.command[1:] = ["-c", f"WHERE = {where!r}\n{MEDDLER}"]
    ended = tk("copy", SOURCE, TARGET, "--json")
    assert ended.code == 1
    (difference,) = ended.data["differences"]
    assert difference["id"] == "trimmed"
    assert why in difference["why"]
    assert sorted(difference["fields"]) == [0, 1]


@pytest.mark.parametrize(
    "pair", [(SOURCE, SOURCE), (SOURCE, "sqlite:///./store.db"), (SOURCE, SOURCE + "?mode=rw")]
)
def test_a_store_is_not_copied_onto_itself(filled: Program, pair: tuple[str, str]):
    ended = filled("copy", *pair)
    assert ended.code == 2
    assert "same store" in one_line(ended.err)


def test_options_that_make_no_sense_are_refused(filled: Program):
    assert filled("--store", SOURCE, "copy", SOURCE, TARGET).code == 2
    assert filled("copy", SOURCE).code == 2
    assert filled("copy", SOURCE, TARGET, "--on-conflict", "merge").code == 2


@pytest.mark.parametrize("layout", ["", "&layout=keys"])
def test_all_namespaces_of_a_server_are_copied(
    tk: Program, valkey9_url: str, tmp_path: Path, layout: str
):
    url = f"{valkey9_url}?prefix={tmp_path.name}{layout}"
    url += f"&name={tmp_path.name}" if layout else ""
    for space in ("default", "acme"):
        with tk.store(namespace=space) as store:
            store.thread("t").state.update({"text": space, "n": 1, "raw": b"\xff"}, ttl=900)
            store.thread("t").messages.append("hi")
    for source, target in ((SOURCE, url), (url, TARGET)):
        assert tk.ok("copy", source, target, "--json").data["differences"] == []
    for space in ("default", "acme"):
        with tk.store("other.db", namespace=space) as store:
            found = store.thread("t").state.get_all()
            assert found == {"text": space, "n": 1, "raw": b"\xff"}
