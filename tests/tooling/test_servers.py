"""Where the servers of the tests come from."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tooling.servers import ROOT, SERVERS, missing, program


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A machine with no server: two empty folders, `path` on the PATH and `own` for what was got."""
    for name in ("path", "own"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("THREADKEEP_SERVERS", str(tmp_path / "own"))
    program.cache_clear()
    yield tmp_path / "path"
    program.cache_clear()


def put(folder: Path, name: str, version: str) -> str:
    """Put a program there that says its version as a server does."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 bits=64'\n")
    file.chmod(0o755)
    return str(file)


def test_a_machine_without_servers(path: Path) -> None:
    assert missing() == list(SERVERS)
    assert program("redis7", "server") is None


@pytest.mark.parametrize(
    ("version", "row"),
    [("7.0.15", "redis7"), ("7.2.4", None), ("8.0.2", "redis8"), ("80.1.0", None), ("8", "redis8")],
)
def test_only_the_right_version_is_taken(path: Path, version: str, row: str | None) -> None:
    server = put(path, "redis-server", version)
    found = {name: program(name, "server") for name in ("redis7", "redis8")}
    assert found == {name: server if name == row else None for name in found}


def test_what_was_got_comes_first(path: Path) -> None:
    put(path, "valkey-server", "9.0.0")
    own = put(path.parent / "own" / "valkey9" / "bin", "valkey-server", "9.1.0")
    assert program("valkey9", "server") == own


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_a_server_that_cannot_be_had_fails_in_ci_only(path: Path, ci: str, code: int) -> None:
    environ = {**os.environ, "CI": ci, "PYTHONPATH": str(ROOT / "scripts")}
    words = [sys.executable, "-m", "tooling.servers"]
    ended = subprocess.run(words, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stderr
    for server in SERVERS:
        assert f"no {server.title}: apt-get is not here" in ended.stderr
