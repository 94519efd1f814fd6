"""Many callers of one server, in one process and in several, and writers that are killed."""

from __future__ import annotations

import pytest

from tests.races.crowds import kill_writers, race_tasks, race_threads
from tests.races.figures import Say
from threadkeep.testing.crashes import Mode
from threadkeep.testing.races import RACES
from threadkeep.testing.races_processes import race_processes

LOADS = {
    "increments": (8, 100),
    "guarded": (4, 50),
    "appends": (10, 20),
    "winner": (8, 40),
    "turns": (5, 6),
    "destroy": (8, 40),
    "parts": (5, 8),
}


@pytest.fixture(params=["redis7", "valkey9"])
def url(request: pytest.FixtureRequest, tk_prefix: str) -> str:
    """A place of this test's own."""
    return f"{request.getfixturevalue(f'{request.param}_url')}?prefix={tk_prefix}"


@pytest.mark.parametrize("name", RACES)
def test_tasks(name: str, url: str):
    race_tasks(url, name, LOADS[name])


@pytest.mark.parametrize("name", RACES)
def test_threads(name: str, url: str):
    race_threads(url, name, LOADS[name])


@pytest.mark.parametrize(
    ("name", "processes", "callers", "each", "mode"),
    [
        ("increments", 4, 8, 60, "async"),
        ("guarded", 4, 1, 200, "async"),
        ("guarded", 4, 2, 30, "sync"),
        ("appends", 4, 4, 25, "async"),
        ("winner", 4, 3, 40, "sync"),
        ("turns", 3, 2, 5, "async"),
        ("destroy", 4, 3, 40, "async"),
    ],
)
def test_processes(  # noqa: PLR0917 - one row of the table
    name: str, processes: int, callers: int, each: int, mode: Mode, url: str
):
    parts = race_processes(url, name, processes=processes, callers=callers, each=each, mode=mode)
    assert len(parts) == processes


@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_killed_writer_loses_nothing(mode: Mode, url: str, say: Say):
    kill_writers(url, mode, say, kills=3, least=100)
