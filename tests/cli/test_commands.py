"""What each command prints, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from tests.cli.conftest import Program, one_line
from threadkeep import FOREVER, __version__
from threadkeep.cli.app import COMMANDS


def test_threads_lists_newest_first_and_by_prefix(tk: Program):
    with tk.store() as store:
        for name in ("a1", "b1", "b2"):
            store.thread(name).state.set("n", 1)
        store.thread("b1").set_labels(user="alice", lang="bg")
    assert [t["id"] for t in tk.ok("threads", "--json").data["threads"]] == ["b1", "b2", "a1"]
    assert [t["id"] for t in tk.ok("threads", "--prefix", "b", "--json").data["threads"]] == [
        "b1",
        "b2",
    ]
    labelled = ["threads", "--label", "user=alice", "--label", "lang=bg", "--json"]
    found = tk.ok(*labelled).data
    assert [t["id"] for t in found["threads"]] == ["b1"]
    assert found["threads"][0]["labels"] == {"user": "alice", "lang": "bg"}
    assert tk.ok("threads", "--label", "user=bob", "--json").data == {"threads": [], "cursor": None}


def test_threads_json_has_the_documented_keys(tk: Program):
    tk.ok("set", "t", "f", "1")
    found = tk.ok("threads", "--json").data
    assert list(found) == ["threads", "cursor"]
    assert list(found["threads"][0]) == [
        "id", "labels", "created_at", "updated_at", "expires_at", "remaining", "revision", "fields",
        "items", "bytes",
    ]  # fmt: skip


def test_threads_goes_on_with_a_cursor(tk: Program):
    with tk.store() as store:
        for number in range(7):
            store.thread(f"t{number}").state.set("n", 1)
    seen: list[str] = []
    more: list[str] = []
    for _ in range(3):
        page = tk.ok("threads", "--limit", "3", "--json", *more).data
        seen += [t["id"] for t in page["threads"]]
        more = ["--cursor", page["cursor"]]
    assert more == ["--cursor", None]
    assert seen == [f"t{number}" for number in range(6, -1, -1)]
    people = tk.ok("threads", "--limit", "3")
    assert people.err.startswith("more with --cursor ")
    assert len(people.out.splitlines()) == 4


def test_show_tells_everything_of_a_thread(tk: Program):
    with tk.store() as store:
        thread = store.thread("t")
        thread.state.set("short", [1, 2], ttl=300)
        thread.state.set("long", "x", ttl=86_400 * 30)
        thread.state.set("end", 1, expires_at=datetime.now(UTC) + timedelta(days=2, minutes=1))
        thread.messages.append(*({"role": "user", "content": f"m{n}"} for n in range(1, 9)))
        thread.snapshots.save({"a": 1})
        thread.set_labels(user="alice")
        thread.touch(ttl=3600)
    found = tk.ok("show", "t", "--json").data
    assert list(found) == ["thread", "fields", "messages", "snapshots"]
    fields = {field["name"]: field for field in found["fields"]}
    assert list(fields["short"]) == ["name", "value", "revision", "ttl", "expires_at", "remaining"]
    assert (fields["short"]["value"], fields["short"]["ttl"]) == ([1, 2], 300)
    assert 240 < fields["short"]["remaining"] <= 300
    assert 86_400 * 29.9 < fields["long"]["remaining"] <= 86_400 * 30
    assert fields["end"]["ttl"] is None
    assert 86_400 * 2 < fields["end"]["remaining"] <= 86_400 * 2 + 60
    assert [m["seq"] for m in found["messages"]] == [4, 5, 6, 7, 8]
    assert found["messages"][-1]["value"] == {"role": "user", "content": "m8"}
    assert [s["revision"] for s in found["snapshots"]] == [1]
    assert found["thread"]["labels"] == {"user": "alice"}
    assert found["thread"]["messages"] == 8
    assert 3500 < found["thread"]["remaining"] <= 3600
    people = tk.ok("show", "t", "--messages", "2")
    assert people.err == ""
    for part in (
        "labels    user=alice",
        "sliding 5m",
        "sliding 30d",
        "last 2 of 8 messages",
        '"m8"',
        "1 snapshot",
    ):
        assert part in people.out
    assert '"m6"' not in people.out


def test_looking_renews_nothing(tk: Program):
    with tk.store() as store:
        store.thread("t").state.set("f", 1, ttl=0.8)
        store.thread(
            "u",
        ).state.set("f", 1)
        store.thread("u").touch(ttl=1_000)
        field = store.thread("t").state.entry("f")
        ends = store.thread("u").info()
    assert field is not None
    assert ends is not None
    for words in (["get", "t", "f"], ["show", "t"], ["threads"], ["show", "u"], ["export", "-"]):
        tk(*words)
    with tk.store("store.db?mode=ro") as store:
        info = store.thread("u").info()
        assert info is not None
        assert info.expires_at == ends.expires_at
        entry = store.thread("t").state.entry("f")
        assert entry is None or entry.expires_at == field.expires_at


def test_looking_at_an_expired_thread_does_not_end_it(tk: Program):
    with tk.store(clock=lambda: 1_000_000.0) as store:
        store.thread("t").state.set("f", 1)
        store.thread("t").touch(ttl=10)
    for words in (["show", "t"], ["get", "t", "f"], ["watch", "t"]):
        ended = tk(*words)
        assert ended.code == 3
        assert "expired" in one_line(ended.err)
    assert tk.ok("threads", "--json").data["threads"] == []
    ends: list[str] = []
    with tk.store() as store:
        store.on("thread.destroyed", lambda event: ends.append(event.thread.id))
        store.sweep()
    assert ends == ["t"]


VALUES = [
    ("1", 1, "1\n"),
    ("-5", -5, "-5\n"),
    ("1.5", 1.5, "1.5\n"),
    ("true", True, "true\n"),
    ("null", None, "null\n"),
    ('"text"', "text", "text\n"),
    ("text", "text", "text\n"),
    ("two words", "two words", "two words\n"),
    ("NaN", "NaN", "NaN\n"),
    ("", "", "\n"),
    ("-x", "-x", "-x\n"),
    ('{"a": [1, "é"]}', {"a": [1, "é"]}, '{"a": [1, "é"]}\n'),
    ("12345678901234567890123", 12345678901234567890123, "12345678901234567890123\n"),
]


@pytest.mark.parametrize(("text", "value", "out"), VALUES)
def test_a_value_is_json_when_it_parses(tk: Program, text: str, value: object, out: str):
    tk.ok("set", "t", "f", text)
    assert tk.ok("get", "t", "f").out == out
    with tk.store() as store:
        found = store.thread("t").state.get("f")
    assert found == value
    assert type(found) is type(value)


def test_a_value_comes_from_standard_input(tk: Program):
    tk.ok("set", "t", "f", "-", stdin='{"big": "' + "x" * 100_000 + '"}\n')
    assert tk.ok("get", "t", "f", "--json").data["value"] == {"big": "x" * 100_000}
    tk.ok("set", "t", "g", "-", stdin="a line\n")
    assert tk.ok("get", "t", "g").out == "a line\n\n"
    ended = tk("set", "t", "h", "-", stdin=b"\xff\xfe")
    assert ended.code == 2
    assert "UTF-8" in one_line(ended.err)


def test_get_prints_other_types(tk: Program):
    with tk.store() as store:
        state = store.thread("t").state
        state.set("bytes", b"\x00\xff\n")
        state.set("time", datetime(2026, 6, 1, tzinfo=UTC))
        state.set("money", Decimal("1.10"))
        state.set("id", UUID(int=1))
        state.set("set", {3, 1, 2})
        state.set("lone", "\ud83d")
        state.set("deep", {"a": (1, b"x")})
    assert tk.raw("get", "t", "bytes").stdout == b"\x00\xff\n"
    assert tk.ok("get", "t", "bytes", "--json").data["value"] == "AP8K"
    assert tk.ok("get", "t", "time").out == '"2026-06-01T00:00:00+00:00"\n'
    assert tk.ok("get", "t", "money", "--json").data["value"] == "1.10"
    assert tk.ok("get", "t", "id", "--json").data["value"] == str(UUID(int=1))
    assert tk.ok("get", "t", "set", "--json").data["value"] == [1, 2, 3]
    assert tk.ok("get", "t", "lone").out == "\\ud83d\n"
    assert tk.ok("get", "t", "lone", "--json").data["value"] == "\ud83d"
    assert tk.ok("get", "t", "deep", "--json").data["value"] == {"a": [1, "eA=="]}
    assert "\\ud83d" in tk.ok("show", "t").out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_every_encoding(tk: Program, encoding: str):
    tk.ok("set", "t", "f", '"é€😀"')
    done = tk.raw("get", "t", "f", "--json", env={"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.decode(encoding))["value"] == "é€😀"


TTLS = [
    ("300", 300),
    ("5m", 300),
    ("1h30m", 5_400),
    ("30d", 2_592_000),
    ("2w", 1_209_600),
    ("0.5", 0.5),
]


@pytest.mark.parametrize(("ttl", "seconds"), TTLS)
def test_set_takes_a_lifetime(tk: Program, ttl: str, seconds: float):
    assert tk.ok("set", "t", "f", "1", "--ttl", ttl, "--json").data == {
        "thread": "t",
        "name": "f",
        "revision": 1,
    }
    with tk.store("store.db?mode=ro", clock=lambda: 0.0) as store:
        entry = store.thread("t").state.entry("f")
    assert entry is not None
    assert entry.lease.seconds == seconds


def test_set_forever_and_guards(tk: Program):
    tk.ok("set", "t", "f", "1", "--ttl", "forever", "--if-absent")
    assert tk.ok("get", "t", "f", "--json").data["expires_at"] is None
    assert tk.ok("set", "t", "f", "2", "--if-revision", "1", "--json").data["revision"] == 2
    assert tk("set", "t", "f", "3", "--if-revision", "1").code == 5
    assert tk("set", "t", "f", "3", "--if-revision", "0").code == 5
    assert tk("set", "t", "f", "3", "--if-revision", "2", "--if-absent").code == 2
    assert tk.ok("get", "t", "f").out == "2\n"


@pytest.mark.parametrize("ttl", ["5 m", "m", "5x", "1h30", "-5", "1e3", "", "inf"])
def test_set_refuses_a_lifetime_that_is_none(tk: Program, ttl: str):
    ended = tk("set", "t", "f", "1", f"--ttl={ttl}")
    assert ended.code == 2
    assert "--ttl" in one_line(ended.err)
    assert tk.files() == []


def test_rm_takes_fields(tk: Program):
    for name in ("a", "b", "c"):
        tk.ok("set", "t", name, "1")
    assert tk.ok("rm", "t", "a", "--json").data == {"thread": "t", "removed": 1, "missing": []}
    ended = tk("rm", "t", "b", "nope", "--json")
    assert ended.code == 3
    assert ended.data == {"thread": "t", "removed": 1, "missing": ["nope"]}
    assert "'nope'" in one_line(ended.err)
    assert [f["name"] for f in tk.ok("show", "t", "--json").data["fields"]] == ["c"]
    assert tk("rm", "t", "nope").code == 3
    assert tk("rm", "other", "a").code == 3


def test_rm_takes_a_whole_thread_only_when_told_so(tk: Program):
    tk.ok("set", "t", "a", "1")
    ended = tk("rm", "t", stdin="y\n")
    assert ended.code == 2
    assert "--yes" in one_line(ended.err)
    assert tk.ok("rm", "t", "--yes", "--json").data == {"thread": "t", "removed": 1}
    assert tk("show", "t").code == 3
    assert tk("rm", "t", "--yes").code == 3


def test_sweep_ends_what_has_expired(tk: Program):
    with tk.store(clock=lambda: 1_000_000.0) as store:
        for number in range(3):
            store.thread(f"t{number}").state.set("f", 1)
            store.thread(f"t{number}").touch(ttl=10)
        store.thread("stays").state.set("f", 1, ttl=FOREVER)
    assert tk.ok("sweep", "--json").data == {"expired": 3, "failed": 0}
    assert "0 expired threads" in one_line(tk.ok("sweep").err)
    assert [t["id"] for t in tk.ok("threads", "--json").data["threads"]] == ["stays"]


def test_namespaces_are_apart(tk: Program):
    tk.ok("set", "t", "f", "1", "--namespace", "acme")
    assert tk("get", "t", "f").code == 3
    assert tk.ok("get", "t", "f", "--namespace", "acme").out == "1\n"
    assert tk("get", "t", "f", env={"THREADKEEP_NAMESPACE": "acme"}).out == "1\n"
    assert tk.ok("--namespace", "acme", "get", "t", "f").out == "1\n"
    assert tk.ok("--namespace=acme", "--json", "get", "t", "f").data["value"] == 1


def test_options_of_the_store_stand_before_or_behind_the_command(tk: Program):
    tk.ok("--store", "sqlite:///a.db", "set", "t", "f", "1")
    assert tk.ok("get", "t", "f", "--store", "sqlite:///a.db").out == "1\n"
    assert tk.ok("--store=sqlite:///a.db", "--json", "threads").data["threads"][0]["id"] == "t"
    assert tk("--store").code == 2
    assert tk.path("a.db").exists()
    assert not tk.path("store.db").exists()


def test_the_default_store_is_a_file_in_the_folder(tk: Program):
    tk.env.pop("THREADKEEP_URL")
    tk.ok("set", "t", "f", "1")
    assert tk.files() == ["threadkeep.db"]
    assert tk("get", "t", "f", env={"THREADKEEP_URL": ""}).out == "1\n"


EVIL = "evil\u202eid"  # turns the direction of writing


def test_text_cannot_steer_the_terminal(tk: Program):
    with tk.store() as store:
        thread = store.thread(EVIL)
        thread.state.set("f", "\x1b[2J\x9b31m[bold]x[/bold]")
        thread.messages.append({"role": "\x1b]0;pwned\x07", "content": "\x1b[31m"})
    for words in (["threads"], ["show", EVIL]):
        out = tk.ok(*words).out
        assert not any(c in out for c in "\x1b\x9b\x07\u202e")
    assert "[bold]x[/bold]" in tk.ok("show", EVIL).out


def test_version_and_help(tk: Program):
    assert tk.ok("--version").out == f"{__version__}\n"
    everything = tk.ok("--help").out
    for command, _ in COMMANDS:
        assert f" {command.split()[0]} " in everything
        text = tk.ok(*command.split(), "--help").out
        assert "Usage: threadkeep " + command in text
    assert tk.ok().out == everything
