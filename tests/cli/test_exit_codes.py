"""Each kind of error has its exit code, one clear line on stderr, and nothing on stdout."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli.conftest import Ended, Program, one_line
from threadkeep import errors
from threadkeep.cli.exits import MEANINGS, code_of

PASSWORD = "tr0ub4dor"


def every_error(kind: type[Exception]) -> list[type[Exception]]:
    return [kind, *(low for sub in kind.__subclasses__() for low in every_error(sub))]


CODES = {
    "ThreadkeepError": 1,
    "UsageError": 2,
    "TooLarge": 2,
    "Conflict": 5,
    "TurnLost": 5,
    "Gone": 5,
    "NotFound": 3,
    "Forbidden": 4,
    "CodecError": 1,
    "DataLost": 1,
    "SchemaMismatch": 1,
    "Unavailable": 6,
    "Timeout": 6,
}


@pytest.mark.parametrize("kind", every_error(errors.ThreadkeepError), ids=lambda k: k.__name__)
def test_every_error_of_the_tree_has_a_documented_code(kind: type[Exception]):
    if not kind.__module__.startswith("threadkeep.errors"):
        return
    code = code_of(kind("words"))
    assert code == CODES[kind.__name__]
    assert code in MEANINGS


def test_ok_says_what_it_did_on_stderr_and_leaves_stdout_to_data(tk: Program):
    ended = tk("set", "t", "f", "1")
    assert (ended.code, ended.out) == (0, "")
    assert "revision 1" in one_line(ended.err)


def prepare_stored_text(tk: Program) -> None:
    tk.ok("set", "t", "f", "1")


def damage_value(tk: Program) -> None:
    prepare_stored_text(tk)
    with sqlite3.connect(tk.path("store.db")) as con:
        con.execute("update tk_field set value = x'00ff'")
    con.close()


def newer_schema(tk: Program) -> None:
    prepare_stored_text(tk)
    with sqlite3.connect(tk.path("store.db")) as con:
        con.execute("insert into tk_migration values (999, 'later', 'x', 0)")
    con.close()


def no_database(tk: Program) -> None:
    tk.path("store.db").write_bytes(b"no database at all" * 500)


def nothing(_tk: Program) -> None:
    return


CASES: list[tuple[str, Callable[[Program], None], list[str], int, str]] = [
    ("corrupt value", damage_value, ["get", "t", "f"], 1, "field 'f'"),
    ("newer schema", newer_schema, ["show", "t"], 1, "schema 999"),
    ("newer schema, writing", newer_schema, ["set", "t", "f", "2"], 1, "schema 999"),
    ("no database", no_database, ["threads"], 1, "not an SQLite database"),
    ("unknown command", nothing, ["nope"], 2, "nope"),
    ("unknown option", nothing, ["threads", "--nope"], 2, "--nope"),
    ("missing argument", nothing, ["set", "t", "f"], 2, "VALUE"),
    ("bad number", nothing, ["threads", "--limit", "many"], 2, "--limit"),
    ("bad ttl", nothing, ["set", "t", "f", "1", "--ttl", "soon"], 2, "--ttl is 'soon'"),
    ("negative ttl", nothing, ["set", "t", "f", "1", "--ttl", "0"], 2, "positive"),
    ("mistyped option as value", nothing, ["set", "t", "f", "--ttl=5"], 2, "VALUE"),
    ("mistyped option as value, 2", nothing, ["set", "t", "f", "--tlt=5"], 2, "--tlt"),
    ("mistyped option as file", nothing, ["export", "--fo"], 2, "--fo"),
    ("bad label", prepare_stored_text, ["threads", "--label", "user"], 2, "NAME=VALUE"),
    ("bad cursor", prepare_stored_text, ["threads", "--cursor", "!"], 2, "cursor"),
    ("bad name", prepare_stored_text, ["show", "a\nb"], 2, "control character"),
    ("bad URL", nothing, ["--store", "store.db", "threads"], 2, "store.db"),
    ("unknown engine", nothing, ["--store", "nope://x", "threads"], 2, "nope://x"),
    ("bad URL option", nothing, ["--store", "sqlite:///a.db?x=1", "threads"], 2, "option 'x'"),
    ("key twice", nothing, ["set", "t", "f", '{"a":1,"a":2}'], 2, "twice"),
    ("too large", nothing, ["set", "t", "f", "-"], 2, "limit"),
    ("no store file", nothing, ["threads"], 3, "no store at store.db"),
    ("no thread", prepare_stored_text, ["show", "other"], 3, "no thread 'other'"),
    ("no field", prepare_stored_text, ["get", "t", "other"], 3, "no field 'other'"),
    ("no file", prepare_stored_text, ["import", "other.jsonl"], 3, "other.jsonl"),
    (
        "read-only store",
        prepare_stored_text,
        ["--store", "sqlite:///store.db?mode=ro", "rm", "t", "f"],
        4,
        "read-only",
    ),
    (
        "read-only demo",
        prepare_stored_text,
        ["--store", "sqlite:///store.db?mode=ro", "demo"],
        4,
        "mode=ro",
    ),
    ("stands", prepare_stored_text, ["set", "t", "f", "2", "--if-absent"], 5, "revision 1"),
    (
        "other revision",
        prepare_stored_text,
        ["set", "t", "f", "2", "--if-revision", "7"],
        5,
        "revision 1",
    ),
    (
        "no folder",
        nothing,
        ["--store", "sqlite:///no/such/store.db", "set", "t", "f", "1"],
        6,
        "cannot be opened",
    ),
]


@pytest.mark.parametrize(
    ("prepare", "words", "code", "part"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_error(
    tk: Program, prepare: Callable[[Program], None], words: list[str], code: int, part: str
):
    prepare(tk)
    ended = tk(*words, stdin=b"x" * (2 << 20))
    assert (ended.code, ended.out) == (code, "")
    assert part in one_line(ended.err)


@pytest.mark.parametrize("words", [["threads"], ["show", "t"], ["get", "t", "f"], ["rm", "t", "f"]])
def test_the_error_for_programs_is_one_json_line(tk: Program, words: list[str]):
    ended = tk(*words, "--json")
    assert (ended.code, ended.out) == (3, "")
    told = json.loads(one_line(ended.err))
    assert (told["error"], told["exit"]) == ("NotFound", 3)
    assert "store.db" in told["message"]


def test_a_locked_store_is_unavailable(tk: Program):
    tk.ok("set", "t", "f", "1")
    con = sqlite3.connect(tk.path("store.db"), isolation_level=None)
    con.execute("begin immediate")
    try:
        ended = tk("--store", "sqlite:///store.db?timeout=0.1", "set", "t", "f", "2")
        assert tk.ok("get", "t", "f").out == "1\n"
    finally:
        con.close()
    assert ended.code == 6
    assert "locked" in one_line(ended.err)


@pytest.mark.parametrize(
    "words",
    [
        ["threads"], ["show", "t"], ["get", "t", "f"], ["rm", "t", "--yes"], ["watch", "t"], ["sweep"],
        ["doctor"], ["migrate"], ["migrate", "plan"], ["export", "a.jsonl"],
        ["copy", "sqlite:///store.db", "sqlite:///other.db"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_command_but_a_writing_one_makes_a_file(tk: Program, words: list[str]):
    ended = tk(*words)
    assert (ended.code, ended.out) == (3, "")
    assert "no store at store.db" in one_line(ended.err)
    assert tk.files() == []


URLS = [
    f"redis://user:{PASSWORD}@host:6379/0?timeout=0.1",
    f"redis://:{PASSWORD}@host/0?timeout=0.1",
    f"redis://user:with/slash-{PASSWORD}@host/0",
    f"nope://host/x?password={PASSWORD}",
    f"sqlite:///a.db?key={PASSWORD}",
    f"mysql://u:{PASSWORD}@h/d",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "words", [["--store", "URL", "threads"], ["threads", "--stor", "URL"], ["copy", "URL", "sqlite:///b.db"],
              ["--store", "URL", "doctor", "--json"], ["URL"], ["threads", "--store=URL", "--nope"]]
)  # fmt: skip
def test_no_message_holds_the_password_of_a_url(tk: Program, url: str, words: list[str]):
    ended = tk(*(word.replace("URL", url) for word in words))
    assert ended.code != 0
    assert PASSWORD not in ended.out + ended.err
    one_line(ended.err)


def test_a_traceback_comes_only_when_asked_for(tk: Program):
    plain = tk("threads")
    assert "Traceback" not in plain.err
    debug = tk("threads", env={"THREADKEEP_DEBUG": "1"})
    assert "Traceback" in debug.err
    assert debug.code == plain.code
    assert debug.err.splitlines()[-1] == plain.err.splitlines()[-1]


def test_a_fault_of_the_program_is_one_line_too(tk: Program):
    broken = (
        "import threadkeep.cli.threads as t; t.reading = None; from threadkeep.cli import main; "
    )
    done = subprocess.run(
        [sys.executable, "-c", broken + "raise SystemExit(main(['threads']))"],
        capture_output=True, text=True, env=tk.env, cwd=tk.folder, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "a fault of threadkeep" in one_line(done.stderr)


@pytest.mark.parametrize("package", ["cyclopts", "rich"])
def test_a_missing_package_is_one_line_naming_the_extra(tk: Program, package: str):
    code = f"import sys; sys.modules[{package!r}] = None; from threadkeep.cli import main; "
    done = subprocess.run(
        [sys.executable, "-c", code + "raise SystemExit(main(['--help']))"],
        capture_output=True, text=True, env=tk.env, cwd=tk.folder, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "threadkeep[cli]" in one_line(done.stderr)


def test_help_says_what_the_exit_codes_mean(tk: Program):
    text = " ".join(tk.ok("--help").out.split())
    for code, meaning in MEANINGS.items():
        assert f"{code} {meaning.split(':')[0]}" in text
    assert tk("--help").err == ""


def test_a_full_disk_is_unavailable():
    assert code_of(OSError(28, os.strerror(28))) == 6
    assert code_of(PermissionError(13, "no")) == 4
    assert code_of(FileExistsError(17, "there")) == 5
    assert code_of(ValueError("x")) == 1


def test_ended_reads_one_document_only():
    assert Ended(0, '{"a": 1}\n', "").data == {"a": 1}
