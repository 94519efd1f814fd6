"""The engine of docs/how-to/write-an-engine.md as an installed package, and what the page says of it."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import zipfile
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.docs.engine_page import file, kit, module
from threadkeep import CodecError, Store, Unavailable
from threadkeep.testing.machine import check_machine

PROGRAM = """
import asyncio
from threadkeep import AsyncStore, Store

with Store("folder:///state") as store:
    store.thread("user-42").state.set("intent", "book_flight")

async def main():
    async with AsyncStore("folder:///state") as store:
        print(await store.thread("user-42").state.get("intent"))

asyncio.run(main())
"""


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """Install the page's package, and return the environment of a program that sees it and not the files."""
    source, target = tmp_path / "source", tmp_path / "installed"
    (source / "state").mkdir(parents=True)  # what the page's programs leave behind is not packed
    for name in ("folder_engine.py", "pyproject.toml"):
        (source / name).write_text(file(name), encoding="utf-8")
    (source / "test_folder.py").write_text(kit(), encoding="utf-8")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=60)
    (wheel,) = (source / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        assert [n for n in packed.namelist() if n.endswith(".py")] == ["folder_engine.py"]
        packed.extractall(target)
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(target), *sys.path])}


def run(words: list[str], env: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_both_sides_and_the_command_line_find_it_by_url(installed: dict[str, str], tmp_path: Path):
    assert run(["-c", PROGRAM], installed, tmp_path) == "book_flight\n"
    words = ["-m", "threadkeep", "--store", "folder:///state", "--json"]
    listed = json.loads(run([*words, "threads"], installed, tmp_path))
    assert [thread["id"] for thread in listed["threads"]] == ["user-42"]
    found = json.loads(run([*words, "get", "user-42", "intent"], installed, tmp_path))
    assert found["value"] == "book_flight"


def test_the_machine_finds_no_difference(tmp_path: Path):
    number = itertools.count()
    engine: Any = module().FolderEngine
    check_machine(
        lambda: partial(engine, tmp_path / str(next(number))),
        settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def test_a_damaged_file_is_an_error_and_stays(tmp_path: Path):
    engine: Any = module().FolderEngine(tmp_path)
    with Store(engine=engine) as store:
        store.thread("t").state.set("n", 1)
        (path,) = tmp_path.glob("*.entity")
        damaged = path.read_bytes()[:-3]
        path.write_bytes(damaged)
        for call in (lambda: store.thread("t").state.get("n"), lambda: store.thread("t").destroy()):
            with pytest.raises(CodecError, match="corrupt"):
                call()
        assert path.read_bytes() == damaged


def test_a_failing_disk_is_said(tmp_path: Path):
    engine: Any = module().FolderEngine(tmp_path / "state")
    with Store(engine=engine) as store:
        store.thread("t").state.set("n", 1)
        (tmp_path / "state").rename(tmp_path / "elsewhere")
        with pytest.raises(Unavailable, match="No such file"):
            store.thread("t").state.set("n", 2)


def test_what_is_destroyed_and_forgotten_leaves_no_file(tmp_path: Path):
    now = [1_800_000_000_000_000]
    engine: Any = module().FolderEngine(tmp_path, lambda: now[0])
    with Store(engine=engine) as store:
        store.thread("t").state.set("n", 1)
        store.thread("t").destroy()
        store.sweep()
        assert len(list(tmp_path.glob("*.entity"))) == 1  # the tombstone
        now[0] += 25 * 3600 * 1_000_000
        store.sweep()
        assert not list(tmp_path.glob("*.entity"))
