"""Many callers of one server: tasks, threads and processes, and what must be true after them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.running import Running, serving
from tests.races.crowds import race_tasks, race_threads
from threadkeep.testing.races import RACES
from threadkeep.testing.races_processes import Mode, race_processes

LOADS = {
    "increments": (16, 25),
    "guarded": (4, 20),
    "appends": (10, 15),
    "winner": (8, 20),
    "turns": (4, 4),
    "destroy": (8, 20),
    "parts": (5, 8),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("races"), "--workers", "2") as running:
        yield running


@pytest.fixture
def url(server: Running) -> str:
    return f"http://127.0.0.1:{server.port}/v1"


def _space(request: pytest.FixtureRequest) -> str:
    return request.node.name


@pytest.mark.parametrize("name", RACES)
def test_tasks(name: str, url: str, request: pytest.FixtureRequest):
    race_tasks(url, name, LOADS[name], namespace=_space(request))


@pytest.mark.parametrize("name", RACES)
def test_threads(name: str, url: str, request: pytest.FixtureRequest):
    race_threads(url, name, LOADS[name], namespace=_space(request))


@pytest.mark.parametrize(
    ("name", "processes", "callers", "each", "mode"),
    [
        ("increments", 3, 8, 20, "async"),
        ("destroy", 2, 3, 20, "sync"),
        pytest.param("guarded", 3, 2, 15, "sync", marks=pytest.mark.long),
        pytest.param("turns", 3, 2, 4, "async", marks=pytest.mark.long),
    ],
)
def test_processes(  # noqa: PLR0917 - one row of the table
    name: str, processes: int, callers: int, each: int, mode: Mode, tmp_path: Path
):
    with serving(tmp_path) as server:
        url = f"http://127.0.0.1:{server.port}/v1"
        parts = race_processes(
            url, name, processes=processes, callers=callers, each=each, mode=mode
        )
    assert len(parts) == processes
