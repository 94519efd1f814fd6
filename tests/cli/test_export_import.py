"""Export and import: everything comes back, twice is once, and conflicts are what the caller wants."""

from __future__ import annotations

import json
import sqlite3
import stat

import pytest

from tests.cli.conftest import Program, one_line
from tests.cli.contents import BIG, contents, fill

SECOND_STORE = ("--store", "sqlite:///other.db")
NONE = {"imported": 0, "resumed": 0, "replaced": 0, "same": 0, "skipped": 0, "expired": 0}


def read(tk: Program, name: str = "store.db") -> dict[str, object]:
    with tk.store(f"{name}?mode=ro") as store:
        return contents(store)


@pytest.fixture
def filled(tk: Program) -> Program:
    with tk.store("store.db?durability=normal") as store:
        fill(store)
    return tk


def test_everything_comes_back_and_twice_is_once(filled: Program):
    tk = filled
    done = tk.ok("export", "a.jsonl", "--json").data
    assert done == {"file": "a.jsonl", "entities": 6, "fields": 12, "items": 8}
    assert tk.ok("import", "a.jsonl", *SECOND_STORE, "--json").data == {
        **NONE, "imported": 6, "fields": 12, "items": 8,
    }  # fmt: skip
    assert read(tk, "other.db") == read(tk)
    assert tk.ok("import", "a.jsonl", *SECOND_STORE, "--json").data == {
        **NONE, "same": 6, "fields": 12, "items": 8,
    }  # fmt: skip
    assert read(tk, "other.db") == read(tk)
    assert tk.ok("export", "-").out.count("\n") == tk.path("a.jsonl").read_text().count("\n")


def test_numbers_go_on_where_they_were(filled: Program):
    tk = filled
    tk.ok("export", "a.jsonl")
    tk.ok("import", "a.jsonl", *SECOND_STORE)
    with tk.store("other.db") as store:
        assert store.thread("trimmed").messages.append(11).seqs == (11,)
        assert store.thread("cleared").messages.append(2).seqs == (2,)
        assert store.sessions.list() == ["user/42:001 %{}*é"]
        assert store.sessions.load("user/42:001 %{}*é") == {"step": 2}
        again = store.thread("user/42:001 %{}*é").messages.append({"id": "m1"})
        assert again.skipped == ("m1",)


def test_through_a_pipe(filled: Program):
    tk = filled
    exported = tk.raw("export", "-")
    assert exported.returncode == 0
    assert b"exported 6 entities" in exported.stderr
    done = tk("import", "-", *SECOND_STORE, "--json", stdin=exported.stdout)
    assert done.code == 0
    assert done.data["imported"] == 6
    assert read(tk, "other.db") == read(tk)


@pytest.mark.parametrize("through", ["file", "pipe"])
def test_a_large_thread_in_pieces(tk: Program, through: str):
    with tk.store("store.db?durability=normal") as store:
        fill(store, big=7_000)
    tk.ok("export", "a.jsonl")
    assert max(map(len, tk.path("a.jsonl").read_bytes().splitlines())) < 2 << 20
    if through == "file":
        tk.ok("import", "a.jsonl", *SECOND_STORE)
    else:
        tk.ok("import", "-", *SECOND_STORE, stdin=tk.path("a.jsonl").read_bytes())
    assert read(tk, "other.db") == read(tk)
    with sqlite3.connect(tk.path("other.db")) as con:
        assert con.execute("select count(*) from tk_field where map like '#%'").fetchone() == (0,)
    con.close()


def test_the_format_is_readable(filled: Program):
    lines = [json.loads(line) for line in filled.ok("export", "-").out.splitlines()]
    assert lines[0]["line"] == "header"
    assert (lines[0]["format"], lines[0]["version"], lines[0]["namespace"]) == (
        "threadkeep-export", 1, "default",
    )  # fmt: skip
    assert lines[-1]["line"] == "footer"
    fields = [field for line in lines if line["line"] == "fields" for field in line["fields"]]
    by_name = {field["name"]: field for field in fields}
    assert by_name["intent"]["value"] == "book_flight"
    assert by_name["prices"]["value"] == {"SOF": 129}
    assert by_name["prices"]["window"] == 300_000_000
    assert by_name["time"] == by_name["time"] | {
        "form": "t", "value": {"$tk:datetime": "2026-06-01T12:00:00+00:00"},
    }  # fmt: skip
    assert by_name["bytes"]["form"] == "base64"
    assert all(len(line["sha256"]) == 64 for line in lines)


def test_all_namespaces_or_one(tk: Program):
    for space in ("default", "acme", "acme:bob"):
        tk.ok("set", "t", "f", json.dumps(space), "--namespace", space)
    everything = tk.ok("export", "all.jsonl", "--json").data
    assert everything["entities"] == 3
    assert json.loads(tk.path("all.jsonl").read_text().splitlines()[0])["namespace"] is None
    assert tk.ok("export", "one.jsonl", "--namespace", "acme", "--json").data["entities"] == 1
    tk.ok("import", "all.jsonl", *SECOND_STORE)
    for space in ("default", "acme", "acme:bob"):
        assert tk.ok("get", "t", "f", *SECOND_STORE, "--namespace", space).out == space + "\n"
    ended = tk("import", "all.jsonl", *SECOND_STORE, "--namespace", "acme")
    assert ended.code == 2
    assert "several namespaces" in one_line(ended.err)
    tk.ok("import", "one.jsonl", *SECOND_STORE, "--namespace", "moved")
    assert tk.ok("get", "t", "f", *SECOND_STORE, "--namespace", "moved").out == "acme\n"


def test_a_store_in_memory_cannot_list_its_namespaces(tk: Program):
    ended = tk("--store", "memory://", "export", "-")
    assert ended.code == 2
    assert "--namespace" in one_line(ended.err)
    assert (
        len(tk.ok("--store", "memory://", "export", "-", "--namespace", "x").out.splitlines()) == 2
    )


def test_what_differs_is_a_conflict_unless_told_otherwise(filled: Program):
    tk = filled
    tk.ok("export", "a.jsonl")
    tk.ok("set", "trimmed", "mine", "1", *SECOND_STORE)
    ended = tk("import", "a.jsonl", *SECOND_STORE)
    assert ended.code == 5
    assert "'trimmed'" in ended.err.splitlines()[-1]
    assert tk.ok("get", "trimmed", "mine", *SECOND_STORE).out == "1\n"

    skipped = tk.ok("import", "a.jsonl", *SECOND_STORE, "--on-conflict", "skip", "--json").data
    assert (skipped["skipped"], skipped["imported"] + skipped["same"]) == (1, 5)
    assert [
        f["name"] for f in tk.ok("show", "trimmed", *SECOND_STORE, "--json").data["fields"]
    ] == ["mine"]

    replaced = tk.ok("import", "a.jsonl", *SECOND_STORE, "--on-conflict", "replace", "--json").data
    assert (replaced["replaced"], replaced["same"]) == (1, 5)
    assert read(tk, "other.db") == read(tk)


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.state.set("intent", "else", ttl=1800),
        lambda t: t.state.set("intent", "book_flight", ttl=1801),
        lambda t: t.state.set("new", 1),
        lambda t: t.state.delete("intent"),
        lambda t: t.messages.append("more"),
        lambda t: t.messages.pop(),
        lambda t: t.snapshots.save(3),
        lambda t: t.set_labels(user="bob"),
        lambda t: t.touch(ttl=60),
    ],
)
def test_every_difference_is_seen(filled: Program, change: object):
    tk = filled
    tk.ok("export", "a.jsonl")
    with tk.store() as store:
        assert callable(change)
        change(store.thread("user/42:001 %{}*é"))
    ended = tk("import", "a.jsonl")
    assert ended.code == 5
    assert "user/42" in ended.err.splitlines()[-1]


def test_a_lease_that_a_read_has_renewed_is_no_difference(tk: Program):
    now = [1_900_000_000.0]
    with tk.store(clock=lambda: now[0]) as store:
        store.thread("t").state.set("f", 1, ttl=1_000_000)
        store.thread("t").touch(ttl=2_000_000)
    tk.ok("export", "a.jsonl")
    now[0] += 500_000
    with tk.store(clock=lambda: now[0]) as store:
        assert store.thread("t").state.get("f") == 1
    assert tk.ok("import", "a.jsonl", "--json").data["same"] == 1


def test_what_has_run_out_since_is_left_out(tk: Program):
    now = [4_000_000_000.0]  # so that nothing has run out when it is exported
    with tk.store(clock=lambda: now[0]) as store:
        store.thread("t").state.set("stays", 1)
        store.thread("t").state.set("goes", 2, ttl=60)
        store.thread("all goes").state.set("f", 1, ttl=60)
        store.thread("ends").state.set("f", 1)
        store.thread("ends").touch(ttl=60)
    tk.ok("export", "a.jsonl")
    later = "import time; real = time.time_ns; time.time_ns = lambda: 4_000_000_100 * 10**9; "
    run = "import sys; from threadkeep.cli import main; sys.exit(main(sys.argv[1:]))"
    tk.command[1:] = ["-c", later + run]
    for outcome in ("imported", "same"):
        found = tk.ok("import", "a.jsonl", *SECOND_STORE, "--json").data
        assert found == {**NONE, outcome: 1, "expired": 2, "fields": 2, "items": 0}
    assert [f["name"] for f in tk.ok("show", "t", *SECOND_STORE, "--json").data["fields"]] == [
        "stays"
    ]


def test_expired_things_are_not_exported(tk: Program):
    with tk.store(clock=lambda: 1_000_000.0) as store:
        store.thread("gone").state.set("f", 1)
        store.thread("gone").touch(ttl=1)
        store.thread("here").state.set("old", 1, ttl=1)
        store.thread("here").state.set("new", 1)
    assert tk.ok("export", "a.jsonl", "--json").data == {
        "file": "a.jsonl",
        "entities": 1,
        "fields": 1,
        "items": 0,
    }


def test_an_export_is_not_written_over(filled: Program):
    tk = filled
    tk.ok("export", "a.jsonl")
    before = tk.path("a.jsonl").read_bytes()
    ended = tk("export", "a.jsonl")
    assert ended.code == 5
    assert "--force" in one_line(ended.err)
    assert tk.path("a.jsonl").read_bytes() == before
    tk.ok("export", "a.jsonl", "--force")
    assert stat.S_IMODE(tk.path("a.jsonl").stat().st_mode) == 0o600
    assert not tk.path("a.jsonl.part").exists()


def test_a_dry_run_writes_nothing(filled: Program):
    tk = filled
    tk.ok("export", "a.jsonl")
    found = tk.ok("import", "a.jsonl", *SECOND_STORE, "--dry-run", "--json").data
    assert found == {**NONE, "imported": 6, "fields": 12, "items": 8}
    assert not tk.path("other.db").exists()


def test_an_empty_store(tk: Program):
    tk.ok("migrate", "apply")
    assert tk.ok("export", "a.jsonl", "--json").data["entities"] == 0
    assert tk.ok("import", "a.jsonl", *SECOND_STORE, "--json").data == {
        **NONE,
        "fields": 0,
        "items": 0,
    }
    assert "no entities" in one_line(tk.ok("import", "a.jsonl", *SECOND_STORE).err)


def test_limits_of_the_target_do_not_cut_what_the_source_held(tk: Program):
    from threadkeep import Limits

    with tk.store(limits=Limits(value=3 << 20, labels=40, fields=20_000)) as store:
        store.thread("t").state.set("large", "x" * (2 << 20))
        store.thread("t").set_labels(**{f"l{n}": "x" for n in range(40)})
        store.thread("t").state.update({f"f{n}": n for n in range(12_000)})
    tk.ok("export", "a.jsonl")
    assert tk.ok("import", "a.jsonl", *SECOND_STORE, "--json").data["fields"] == 12_001
    assert read(tk, "other.db") == read(tk)


def test_an_import_is_checked_against_the_store_that_was_written_to_meanwhile(tk: Program):
    """A half imported thread of another export stands in the way like any other content."""
    with tk.store("store.db?durability=normal") as store:
        fill(store, big=7_000)
    tk.ok("export", "a.jsonl")
    with sqlite3.connect(tk.path("store.db")) as con:
        (eid,) = con.execute("select eid from tk_entity where id = ?", (BIG,)).fetchone()
        con.execute(
            "insert into tk_field (eid, map, name, value, rev) values (?, '#import', 'of', ?, 1)",
            (eid, b'j"another"'),
        )
    con.close()
    ended = tk("import", "a.jsonl")
    assert ended.code == 5
    assert "half written" in ended.err.splitlines()[-1]
    ended = tk("export", "b.jsonl")
    assert ended.code == 5
    assert "half written" in one_line(ended.err)
    assert tk.ok("import", "a.jsonl", "--on-conflict", "replace", "--json").data["replaced"] == 1
    tk.ok("export", "b.jsonl")
