"""The commands on a store behind a server; its key comes from the environment and is never shown."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.http.running import Running, serving, threadkeep
from tests.servers.process import free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, str]]:
    """A server with a key, and the key."""
    folder = tmp_path_factory.mktemp("commands")
    made = threadkeep(folder, "keys", "create", "cli", "--right", "write", "--json")
    with serving(folder) as running:
        yield running, json.loads(made.stdout)["key"]


class Commands:
    """Commands on the server, in a folder of their own."""

    def __init__(self, folder: Path, server: tuple[Running, str]) -> None:
        self.folder = folder
        running, self.key = server
        self.env = {
            "THREADKEEP_URL": f"http://127.0.0.1:{running.port}/v1",
            "THREADKEEP_TOKEN": self.key,
        }

    def __call__(self, *words: str, code: int = 0, told: bool = False, **env: str) -> str:
        done = threadkeep(self.folder, *words, **self.env | env)
        assert done.returncode == code, done.stderr
        assert self.key not in done.stdout + done.stderr
        return done.stderr if code or told else done.stdout


@pytest.fixture
def run(tmp_path: Path, server: tuple[Running, str]) -> Commands:
    return Commands(tmp_path, server)


def test_fields_threads_and_looking(run: Commands):
    run("set", "t1", "intent", '"book_flight"')
    assert run("get", "t1", "intent").strip() == "book_flight"
    assert "t1" in run("threads")
    assert "book_flight" in run("show", "t1")
    assert "engine" in run("doctor")
    assert "no schema" in run("migrate", code=2)


def test_export_import_copy(run: Commands):
    run("set", "t2", "a", "1", "--namespace", "default")
    assert "--namespace" in run("export", "out.jsonl", code=2)  # a server does not list them
    run("export", "out.jsonl", "--namespace", "default")
    run("import", "out.jsonl", THREADKEEP_URL="sqlite:///here.db")
    copied = run("copy", run.env["THREADKEEP_URL"], "sqlite:///copy.db", "--namespace", "default")
    assert run.key not in copied
    for name in ("here.db", "copy.db"):
        with closing(sqlite3.connect(run.folder / name)) as db:
            assert db.execute("select count(*) from sqlite_master").fetchone() != (0,)
    run("set", "t3", "a", "2", THREADKEEP_URL="sqlite:///copy.db")
    back = ("copy", "sqlite:///copy.db", run.env["THREADKEEP_URL"], "--namespace", "default")
    assert "none differ" in run(*back, code=0, told=True)
    assert run("get", "t3", "a").strip() == "2"


def test_without_a_key_and_without_a_server(run: Commands):
    assert "key" in run("get", "t1", "intent", code=4, THREADKEEP_TOKEN="")
    nobody = f"http://127.0.0.1:{free_port()}/v1?timeout=0.3"
    assert "http://127.0.0.1" in run("get", "t1", "intent", code=6, THREADKEEP_URL=nobody)
