"""Many callers of one store in one process: tasks and threads, memory and SQLite."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.races.crowds import race_tasks, race_threads
from threadkeep.testing.races import RACES

LOADS = {
    "increments": (8, 100),
    "guarded": (4, 50),
    "appends": (10, 20),
    "winner": (8, 40),
    "turns": (5, 6),
    "destroy": (8, 40),
    "parts": (5, 8),
}
URLS: dict[str, Callable[[Path], str]] = {
    "memory": lambda _: "memory://",
    "sqlite": lambda folder: f"sqlite:///{folder}/races.db",
    "sqlite-memory": lambda _: "sqlite://",
}


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
@pytest.mark.parametrize("name", RACES)
def test_tasks(name: str, url: Callable[[Path], str], tmp_path: Path):
    race_tasks(url(tmp_path), name, LOADS[name])


@pytest.mark.parametrize("url", URLS.values(), ids=URLS)
@pytest.mark.parametrize("name", RACES)
def test_threads(name: str, url: Callable[[Path], str], tmp_path: Path):
    race_threads(url(tmp_path), name, LOADS[name])


def test_every_race_has_a_load():
    assert LOADS.keys() == RACES.keys()
