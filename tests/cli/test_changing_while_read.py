"""An entity that is written to while it is exported or copied: of one moment, or not at all."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.cli.contents import contents
from threadkeep import Conflict, Store
from threadkeep._sync.transfer_copy import Copy
from threadkeep._sync.transfer_export import Export
from threadkeep._sync.transfer_import import Import
from threadkeep._sync.wrappers.passing import Passing
from threadkeep.cli.inspecting import micros
from threadkeep.cli.sources import FileSource, PipeSource
from threadkeep.ops.batch import Batch
from threadkeep.ops.reply import Reply


class Meddled(Passing):
    """Calls `meddle(number)` after each read."""

    def __init__(self, store: Store, meddle: Callable[[int], None]) -> None:
        super().__init__(store.ready())
        self._meddle = meddle
        self.reads = 0

    def run(self, batch: Batch) -> Reply:
        reply = self.inner.run(batch)
        self.reads += 1
        self._meddle(self.reads)
        return reply


@pytest.fixture
def store(tmp_path: Path):
    """A store with one thread of several pieces: 3 MB of fields that change together, and 5,000 messages."""
    with Store(f"sqlite:///{tmp_path}/a.db?durability=normal") as made:
        write(made, 0)
        for low in range(0, 5_000, 500):
            made.thread("t").messages.append(
                *({"n": n, "x": "x" * 600} for n in range(low, low + 500))
            )
        yield made


def write(store: Store, number: int) -> None:
    store.thread("t").state.update({f"f{n}": [number, "x" * 100_000] for n in range(30)})


def export(store: Store, meddle: Callable[[int], None]) -> bytes:
    out: list[bytes] = []
    Export(Meddled(store, meddle), out.append).run(
        ["default"], namespace="default", created="", version=""
    )
    return b"".join(out)


def imported(tmp_path: Path, data: bytes) -> dict[str, Any]:
    with Store(f"sqlite:///{tmp_path}/b.db?durability=normal") as target:
        Import(target, FileSource(BytesIO(data)), now=micros).run()
        return contents(target)


def voids(data: bytes) -> int:
    return sum(json.loads(line)["line"] == "void" for line in data.splitlines())


@pytest.mark.parametrize("at", range(1, 12))
def test_fields_are_of_one_moment(tmp_path: Path, store: Store, at: int):
    data = export(store, lambda read: write(store, 1) if read == at else None)
    fields = imported(tmp_path, data)["t"]["fields"]
    assert len(fields) == 30
    numbers = {value[0][0] for value in fields.values()}
    assert len(numbers) == 1
    assert voids(data) <= 1


@pytest.mark.parametrize("at", range(1, 12))
def test_messages_are_those_of_the_beginning(tmp_path: Path, store: Store, at: int):
    data = export(store, lambda read: append(store) if read == at else None)
    messages = [m.value["n"] for m in imported(tmp_path, data)["t"]["messages"]]
    assert messages[:5_000] == list(range(5_000))
    assert len(messages) in {5_000, 5_001}


def append(store: Store) -> None:
    store.thread("t").messages.append({"n": 5_000})


@pytest.mark.parametrize("at", range(1, 12))
def test_a_trim_in_between_loses_nothing_by_halves(tmp_path: Path, store: Store, at: int):
    data = export(store, lambda read: trim(store) if read == at else None)
    messages = [m.value["n"] for m in imported(tmp_path, data)["t"]["messages"]]
    assert messages in (list(range(5_000)), list(range(4_900, 5_000)))


def trim(store: Store) -> None:
    store.thread("t").messages.trim(keep_last=100)


@pytest.mark.parametrize("at", range(1, 12))
def test_destroyed_in_between(tmp_path: Path, store: Store, at: int):
    data = export(store, lambda read: destroy(store) if read == at else None)
    found = imported(tmp_path, data)
    assert "t" not in found or len(found["t"]["messages"]) == 5_000


def destroy(store: Store) -> None:
    store.thread("t").destroy()


def test_what_never_holds_still_is_an_error(store: Store):
    with pytest.raises(Conflict, match="faster than it can be read"):
        export(store, lambda read: write(store, read))


@pytest.mark.parametrize("at", [*range(1, 12), 14, 18])
@pytest.mark.parametrize("change", [lambda s: write(s, 1), append, trim])
def test_a_copy_holds_one_moment(
    tmp_path: Path, store: Store, at: int, change: Callable[[Store], None]
):
    source = Meddled(store, lambda read: change(store) if read == at else None)
    with Store(f"sqlite:///{tmp_path}/b.db?durability=normal") as target:
        Copy(source, target, now=micros).run(["default"])
        assert target.thread("t").state.get("f0") is not None
        fields = contents(target)["t"]["fields"]
        assert len({value[0][0] for value in fields.values()}) == 1
        job = Copy(store.ready(), target, now=micros, on_conflict="replace")
        job.run(["default"])
        assert job.verify(["default"]) == []
        assert contents(target) == contents(store)


def test_a_copy_of_what_is_destroyed_meanwhile_leaves_nothing(tmp_path: Path, store: Store):
    for at in range(1, 12):
        write(store, 0)
        append(store)
        source = Meddled(store, lambda read, at=at: destroy(store) if read == at else None)
        with Store(f"sqlite:///{tmp_path}/{at}.db?durability=normal") as target:
            Copy(source, target, now=micros).run(["default"])
            assert [t.id for t in target.threads()] in ([], ["t"])
            assert all("#import" not in name for name in tables(tmp_path / f"{at}.db"))


def tables(path: Path) -> list[str]:
    con = sqlite3.connect(path)
    try:
        return [row[0] for row in con.execute("select distinct map from tk_field")]
    finally:
        con.close()


def test_a_pipe_goes_back_to_its_mark():
    text = b"".join(b"%d\n" % n for n in range(10))
    for source in (FileSource(BytesIO(text)), PipeSource(BytesIO(text))):
        assert source.readline() == b"0\n"
        source.mark()
        first = [source.readline() for _ in range(3)]
        source.rewind()
        assert [source.readline() for _ in range(3)] == first
        assert source.readline() == b"4\n"
        source.mark()
        assert source.readline() == b"5\n"
        source.rewind()
        assert [source.readline() for _ in range(6)] == [
            b"5\n",
            b"6\n",
            b"7\n",
            b"8\n",
            b"9\n",
            b"",
        ]
        assert source.read >= len(text)
        if isinstance(source, PipeSource):
            source.close()
