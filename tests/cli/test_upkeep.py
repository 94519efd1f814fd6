"""`doctor` and `migrate`."""

from __future__ import annotations

import sqlite3
import time

import pytest

from tests.cli.conftest import Program, one_line
from threadkeep.cli.doctor import Finding, durability, of_file, skew
from threadkeep.engines.sql.migrate import Migration, Schema
from threadkeep.engines.sql.sqlite.inspect import Inspection
from threadkeep.ops.engine import Capabilities

SECOND = 1_000_000
NOW = 2_000_000_000 * SECOND
GB = 1_000_000_000

FILES = (Migration(1, "pre", "a", ""), Migration(2, "post", "a", ""))


def schema(*numbers: int, checksum: str = Migration(0, "pre", "", "").checksum) -> Schema:
    """Return the schema of a store with these migrations; the release knows the first two."""
    return Schema(FILES, dict.fromkeys(numbers, checksum))


HEALTHY = Inspection(
    path="a.db", writable=True, file_bytes=1, wal_bytes=0, disk_free=50 * GB, disk_total=100 * GB,
    durability="full", journal="wal", schema=schema(1, 2), newest_update=NOW,
    oldest_due=None, entities=1, namespaces=("default",),
)  # fmt: skip


def found(**changes: object) -> dict[str, Finding]:
    import msgspec

    seen = msgspec.structs.replace(HEALTHY, **changes)
    return {finding.name: finding for finding in of_file(seen, NOW)}


def test_a_healthy_store_is_ok():
    assert [f for f in found().values() if f.grade != "ok" or f.do] == []
    assert list(found()) == [
        "engine",
        "schema",
        "durability",
        "clock",
        "sweeper",
        "log size",
        "disk",
    ]


@pytest.mark.parametrize(
    ("changes", "name", "grade", "part"),
    [
        ({"schema": schema(1, 3)}, "schema", "fail", "upgrade"),
        ({"schema": schema(1, 2, checksum="x")}, "schema", "fail", "release"),
        ({"schema": schema()}, "schema", "warn", "migrate apply"),
        ({"schema": schema(2)}, "schema", "warn", "migrate apply"),
        ({"schema": schema(1)}, "schema", "warn", "migrate apply --post"),
        ({"durability": "normal"}, "durability", "warn", "durability"),
        ({"journal": "delete"}, "durability", "warn", "WAL"),
        ({"newest_update": NOW + 30 * SECOND}, "clock", "warn", "NTP"),
        ({"newest_update": NOW + 3_600 * SECOND}, "clock", "fail", "NTP"),
        ({"oldest_due": NOW - 600 * SECOND}, "sweeper", "warn", "sweep"),
        ({"oldest_due": NOW - 5 * SECOND}, "sweeper", "ok", ""),
        ({"wal_bytes": 100_000_000}, "log size", "warn", "read open"),
        ({"disk_free": 500_000_000}, "disk", "warn", "room"),
        ({"disk_free": 5_000_000}, "disk", "fail", "room"),
        ({"writable": False}, "access", "warn", "permissions"),
    ],
)
def test_each_ailment_is_found_and_says_what_to_do(
    changes: dict[str, object], name: str, grade: str, part: str
):
    finding = found(**changes)[name]
    assert finding.grade == grade
    assert part in finding.do
    assert bool(finding.do) == (grade != "ok")


def test_engines_without_a_file():
    kept = Capabilities(name="x", durability="power-loss")
    assert durability(kept).grade == "ok"
    for lossy in ("none", "process", "seconds(1)"):
        finding = durability(Capabilities(name="x", durability=lossy))
        assert (finding.grade, bool(finding.do)) == ("warn", True)
    assert [skew(s, "x").grade for s in (0.1, -5, 3_600)] == ["ok", "warn", "fail"]


def test_doctor_on_a_real_store(tk: Program):
    tk.ok("set", "t", "f", "1")
    data = tk.ok("doctor", "--json").data
    assert list(data) == ["store", "findings"]
    assert [list(finding) for finding in data["findings"]] == [["name", "grade", "found", "do"]] * 7
    assert [f["grade"] for f in data["findings"]][:6] == ["ok"] * 6
    people = tk.ok("doctor")
    assert "survive power loss" in people.out
    normal = tk.ok("doctor", "--store", "sqlite:///store.db?durability=normal", "--json").data
    assert normal["findings"][2]["grade"] == "warn"


def test_doctor_sees_lag_and_a_clock_that_was_ahead(tk: Program):
    hour_ago, in_a_day = time.time() - 3_600, time.time() + 86_400
    with tk.store(clock=lambda: hour_ago) as store:
        store.thread("old").state.set("f", 1, ttl=10)
    grades = {f["name"]: f["grade"] for f in tk.ok("doctor", "--json").data["findings"]}
    assert grades["sweeper"] == "warn"
    tk.ok("sweep")
    grades = {f["name"]: f["grade"] for f in tk.ok("doctor", "--json").data["findings"]}
    assert grades["sweeper"] == "ok"
    with tk.store(clock=lambda: in_a_day) as store:
        store.thread("new").state.set("f", 1)
    ended = tk("doctor", "--json")
    assert ended.code == 1
    grades = {f["name"]: f["grade"] for f in ended.data["findings"]}
    assert grades["clock"] == "fail"


def test_doctor_on_other_engines(tk: Program):
    data = tk.ok("doctor", "--store", "memory://", "--json").data
    assert {f["name"]: f["grade"] for f in data["findings"]} == {
        "engine": "ok", "durability": "warn", "clock": "ok",
    }  # fmt: skip
    assert (
        tk.ok("doctor", "--store", "sqlite://", "--json")
        .data["findings"][0]["found"]
        .startswith("sqlite")
    )


def test_migrate_shows_and_applies(tk: Program):
    assert tk("migrate").code == 3
    sqlite3.connect(tk.path("store.db")).close()
    tk.path("store.db").touch()
    status = tk.ok("migrate", "--json").data
    assert list(status) == ["store", "schema", "known", "pending", "applied"]
    assert status["schema"] == 0
    assert [m["number"] for m in status["pending"]] == list(range(1, status["known"] + 1))
    assert "0001 pre  initial" in tk.ok("migrate", "plan").out
    script = tk.ok("migrate", "sql").out
    assert "create table if not exists tk_entity" in script
    assert tk.path("store.db").stat().st_size == 0  # looking changes nothing
    done = tk.ok("migrate", "apply", "--json").data
    assert (done["schema"], done["pending"], done["applied"]) == (
        status["known"],
        [],
        status["known"],
    )
    assert tk.ok("migrate", "apply", "--json").data["applied"] == 0
    assert "0 migrations" in tk.ok("migrate").out
    assert "initial" not in tk.ok("migrate").out
    assert "applied" in tk.ok("migrate", "plan").out
    assert tk.ok("migrate", "sql").out.startswith("-- ")


def test_what_was_applied_by_hand_is_recognised(tk: Program):
    sqlite3.connect(tk.path("store.db")).executescript(tk.ok("migrate", "sql").out).close()
    assert tk.ok("migrate", "--json").data["pending"] == []
    assert tk.ok("migrate", "apply", "--json").data["applied"] == 0
    tk.ok("set", "t", "f", "1")


def test_doctor_on_a_server_that_is_away(tk: Program):
    ended = tk("doctor", "--store", "redis://127.0.0.1:1?timeout=0.2", "--json")
    assert ended.code == 1
    assert [(f["name"], f["grade"]) for f in ended.data["findings"]] == [("engine", "fail")]
    assert "127.0.0.1:1" in ended.data["findings"][0]["found"]
    assert "not in order: engine" in one_line(ended.err)


def test_migrate_refuses_what_it_does_not_know(tk: Program):
    tk.ok("migrate", "apply")
    with sqlite3.connect(tk.path("store.db")) as con:
        con.execute("update tk_migration set checksum = 'other' where number = 1")
    con.close()
    for words in (["migrate"], ["migrate", "plan"], ["migrate", "apply"], ["threads"]):
        ended = tk(*words)
        assert ended.code == 1
        assert "another form" in one_line(ended.err)
    ended = tk("doctor")
    assert ended.code == 1
    assert one_line(ended.err) == "threadkeep: not in order: schema"
    assert "another form" in ended.out
    for url in ("memory://", "sqlite://"):
        assert "no schema" in one_line(tk("migrate", "--store", url).err)
        assert tk("migrate", "apply", "--store", url).code == 2
    assert tk("migrate", "undo").code == 2


def test_check_runs_the_suite(tk: Program):
    """What the suite finds is told by tests of its own; here it is what the command makes of it."""
    ended = tk("check", "sqlite:///checked.db", "--json")
    data = ended.data
    assert list(data)[:3] == ["verdict", "url", "engine"]
    assert sum(topic["passed"] for topic in data["topics"]) > 100
    assert ended.code == bool(data["failures"] or data["problems"])
    assert tk.ok("threads", "--store", "sqlite:///checked.db", "--json").data["threads"] == []


def test_check_reports_a_store_that_cannot_be_checked(tk: Program):
    assert tk("check").code == 2
    assert tk("check", "nope://x").code == 2
    assert tk("check", "sqlite:///no/folder.db").code == 6
    tk.command[1:] = ["-c", "import sys; sys.modules['pytest'] = None\n" + RUN]
    ended = tk("check", "memory://")
    assert ended.code == 2
    assert "pytest" in one_line(ended.err)
    tk.command[1:] = ["-c", "import sys; sys.modules['threadkeep.testing.report'] = None\n" + RUN]
    ended = tk("check", "memory://")
    assert ended.code == 2
    assert "no conformance suite" in one_line(ended.err)


RUN = "from threadkeep.cli import main; sys.exit(main(sys.argv[1:]))"
