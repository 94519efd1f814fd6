"""A damaged export is found out, with the number of the line; nothing of a damaged entity is written."""

from __future__ import annotations

import hashlib
import json
import random
import re

import pytest

from tests.cli.conftest import Program, one_line
from tests.cli.contents import contents, fill
from threadkeep.errors import CodecError
from threadkeep.layers.transfer_format import FieldsLine, ItemsLine
from threadkeep.layers.transfer_parsing import Parser

OTHER = ("--store", "sqlite:///other.db")
Lines = list[bytes]


@pytest.fixture
def exported(tk: Program) -> Lines:
    with tk.store() as store:
        fill(store)
    tk.ok("export", "a.jsonl")
    return tk.path("a.jsonl").read_bytes().splitlines(keepends=True)


def refused(tk: Program, data: bytes, *, line: int | None = None) -> str:
    """Import data that must be refused; return the words."""
    tk.path("bad.jsonl").write_bytes(data)
    words = ""
    for given, name in ((b"", "bad.jsonl"), (data, "-")):
        ended = tk("import", name, *OTHER, stdin=given)
        assert (ended.code, ended.out) == (1, ""), ended
        words = one_line(ended.err.splitlines()[-1])
        found = re.search(r"line (\d+): ", words)
        assert found, words
        assert line is None or int(found[1]) == line, words
    return words


def flip(lines: Lines, at: int) -> bytes:
    raw = bytearray(lines[at])
    middle = len(raw) // 2
    raw[middle] ^= 1
    return b"".join([*lines[:at], bytes(raw), *lines[at + 1 :]])


def test_a_flipped_bit_is_named_by_its_line(tk: Program, exported: Lines):
    for at in {0, 1, 2, 3, len(exported) // 2, len(exported) - 2, len(exported) - 1}:
        refused(tk, flip(exported, at), line=at + 1)


def test_a_missing_a_repeated_and_a_moved_line(tk: Program, exported: Lines):
    for at in (1, 5, len(exported) - 2):
        missing = exported[:at] + exported[at + 1 :]
        assert "missing" in refused(tk, b"".join(missing), line=at + 1)
        twice = [*exported[: at + 1], *exported[at:]]
        refused(tk, b"".join(twice), line=at + 2)
    moved = [exported[0], exported[2], exported[1], *exported[3:]]
    refused(tk, b"".join(moved), line=2)


def test_a_file_that_is_cut_off(tk: Program, exported: Lines):
    data = b"".join(exported)
    count = len(exported)
    assert "cut off" in refused(tk, b"".join(exported[:-1]), line=count)
    assert "cut off" in refused(tk, b"".join(exported[:4]), line=5)
    assert "cut off" in refused(tk, data[:-3], line=count)
    assert "cut off" in refused(tk, b"".join(exported[:3]) + exported[3][:20], line=4)
    assert "empty" in refused(tk, b"", line=1)
    tk.path("whole.jsonl").write_bytes(data[:-1])  # an editor may take the last newline
    tk.ok("import", "whole.jsonl", *OTHER)
    tk.path("windows.jsonl").write_bytes(data.replace(b"\n", b"\r\n"))
    assert tk.ok("import", "windows.jsonl", *OTHER, "--json").data["same"] == 6


def test_something_behind_the_footer(tk: Program, exported: Lines):
    assert "follows the footer" in refused(
        tk, b"".join([*exported, exported[0]]), line=len(exported) + 1
    )


@pytest.mark.parametrize(
    "data",
    [
        b"\n",
        b"{}\n",
        b"[1]\n",
        b"text\n",
        b"\x00" * 1_000,
        b'{"format": "other"}\n',
        b"\xff\xfe\n",
        b"[" * 100_000,
    ],
)
def test_what_is_no_export(tk: Program, data: bytes):
    assert "no threadkeep export" in refused(tk, data, line=1)


def test_a_newer_format_is_refused_by_its_number(tk: Program):
    assert "format version 2" in refused(
        tk, seal([{"line": "header", "format": "threadkeep-export", "version": 2}])
    )


def test_what_came_before_the_damage_is_imported_and_the_rest_follows(tk: Program, exported: Lines):
    starts = [n for n, line in enumerate(exported) if line.startswith(b'{"line":"entity"')]
    refused(tk, flip(exported, starts[3] + 1), line=starts[3] + 2)
    with tk.store("other.db") as store:
        before = [info.id for info in store.threads(prefix="")]
    assert len(before) == 2  # the app, then two threads; nothing of the third
    assert tk.ok("import", "a.jsonl", *OTHER, "--json").data["same"] == 3
    with tk.store() as one, tk.store("other.db") as two:
        assert contents(one) == contents(two)


def test_a_dry_run_finds_damage_too(tk: Program, exported: Lines):
    tk.path("bad.jsonl").write_bytes(flip(exported, 7))
    ended = tk("import", "bad.jsonl", "--dry-run", *OTHER)
    assert ended.code == 1
    assert "line 8: " in ended.err
    assert not tk.path("other.db").exists()


def test_no_damage_ends_in_anything_but_one_line(tk: Program, exported: Lines):
    """Random damage, read by the parser in this process: always a CodecError with a line."""
    data = b"".join(exported)
    dice = random.Random(7)
    for _ in range(500):
        raw = bytearray(data)
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(raw))
            if dice.random() < 0.5:
                raw[at] = dice.randrange(256)
            else:
                del raw[at : at + dice.randint(1, 200)]
        if bytes(raw) == data:
            continue
        with pytest.raises(CodecError, match=r"^line \d+: "):
            read_through(bytes(raw))


def read_through(data: bytes) -> None:
    parser = Parser()
    for data_line in data.splitlines(keepends=True):
        line = parser.feed(data_line)
        if isinstance(line, FieldsLine | ItemsLine):
            parser.piece(line)
    parser.finish()


# --- files that somebody put together, with checksums that fit ----------------------------------


def seal(lines: list[dict[str, object]]) -> bytes:
    """Return lines with their checksums, made here without the program's own code."""
    chain, out = b"", b""
    for line in lines:
        body = json.dumps(line, separators=(",", ":")).encode()
        chain = hashlib.sha256(chain + body).hexdigest().encode()
        out += body[:-1] + b',"sha256":"' + chain + b'"}\n'
    return out


HEADER = {"line": "header", "format": "threadkeep-export", "version": 1, "namespace": "default"}
ENTITY = {
    "line": "entity", "namespace": "default", "kind": "thread", "id": "t", "epoch": "e", "revision": 1,
    "created": 1, "updated": 1, "heads": {"messages": 2},
}  # fmt: skip
FIELDS = {"line": "fields", "map": "state", "fields": [{"name": "f", "value": 1}]}
ITEMS = {"line": "items", "log": "messages", "items": [{"seq": 1, "at": 1, "value": 1}]}
END = {"line": "end", "fields": 1, "items": 1}
FOOTER = {"line": "footer", "entities": 1, "fields": 1, "items": 1}
GOOD: list[dict[str, object]] = [HEADER, ENTITY, FIELDS, ITEMS, END, FOOTER]


def test_a_file_made_elsewhere_is_read(tk: Program):
    tk.path("a.jsonl").write_bytes(seal(GOOD))
    tk.ok("import", "a.jsonl", *OTHER)
    with tk.store("other.db") as store:
        assert store.thread("t").state.get_all() == {"f": 1}
        assert store.thread("t").messages.append("next").seqs == (3,)


def with_line(at: int, **changes: object) -> list[dict[str, object]]:
    return [*GOOD[:at], {**GOOD[at], **changes}, *GOOD[at + 1 :]]


def with_field(**changes: object) -> list[dict[str, object]]:
    return with_line(2, fields=[{"name": "f", "value": 1, **changes}])


def with_item(**changes: object) -> list[dict[str, object]]:
    return with_line(3, items=[{"seq": 1, "at": 1, "value": 1, **changes}])


WRONG: list[tuple[str, list[dict[str, object]], int]] = [
    ("unknown key", with_line(1, colour="red"), 2),
    ("unknown line", with_line(2, line="other"), 3),
    ("unknown kind", with_line(1, kind="other"), 2),
    ("empty id", with_line(1, id=""), 2),
    ("control character", with_line(1, id="a\nb"), 2),
    ("long id", with_line(1, id="x" * 513), 2),
    ("long label", with_line(1, labels={"a": "x" * 513}), 2),
    ("negative time", with_line(1, created=-1), 2),
    ("huge time", with_line(1, created=1 << 63), 2),
    ("huge head", with_line(1, heads={"messages": 1 << 32}), 2),
    ("window without end", with_line(1, window=5), 2),
    ("hidden map", with_line(2, map="#turn"), 3),
    ("empty map", with_line(2, map=""), 3),
    ("field twice", with_line(2, fields=[{"name": "f", "value": 1}] * 2), 3),
    ("field without name", with_field(name=""), 3),
    ("field of no window", with_field(window=0, end=5), 3),
    ("no base64", with_field(value="?", form="base64"), 3),
    ("no text as base64", with_field(value=5, form="base64"), 3),
    ("unknown form", with_field(form="x"), 3),
    ("unknown log", with_line(3, log="other"), 4),
    ("number 0", with_item(seq=0), 4),
    ("number over the head", with_item(seq=3), 4),
    (
        "numbers out of order",
        with_line(3, items=[{"seq": n, "at": 1, "value": 1} for n in (2, 1)]),
        4,
    ),
    ("wrong counts", with_line(4, fields=2), 5),
    ("wrong totals", with_line(5, entities=2), 6),
    ("two headers", [HEADER, *GOOD], 2),
    ("no entity", [HEADER, FIELDS, END, FOOTER], 2),
    ("entity in entity", [HEADER, ENTITY, *GOOD[1:]], 3),
    ("footer in entity", [*GOOD[:4], FOOTER], 5),
]


@pytest.mark.parametrize(("lines", "line"), [case[1:] for case in WRONG], ids=[c[0] for c in WRONG])
def test_a_file_that_was_put_together_wrongly(
    tk: Program, lines: list[dict[str, object]], line: int
):
    refused(tk, seal(lines), line=line)
    fields = {t["id"]: t["fields"] for t in tk.ok("threads", *OTHER, "--json").data["threads"]}
    assert fields in ({}, {"t": 1})  # all of the entity or nothing


def test_void_does_not_count(tk: Program):
    lines = [HEADER, ENTITY, FIELDS, {"line": "void"}, *GOOD[1:]]
    tk.path("a.jsonl").write_bytes(seal(lines))
    assert tk.ok("import", "a.jsonl", *OTHER, "--json").data["imported"] == 1
