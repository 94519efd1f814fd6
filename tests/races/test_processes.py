"""Two and four processes that write one SQLite file: nothing is lost, and nobody waits for long."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.races.figures import Say, figures, spread
from threadkeep.testing.races_processes import Mode, race_processes

LONGEST = 500.0  # ms for one call in a thousand; with SQLite's own waiting it is 1600 and more


@pytest.mark.serial
@pytest.mark.parametrize("mode", ["async", "sync"])
@pytest.mark.parametrize("processes", [2, 4])
def test_no_increment_is_lost_and_nobody_starves(
    processes: int, mode: Mode, tmp_path: Path, say: Say
):
    callers, each = (32, 60) if mode == "async" else (8, 60)
    url = f"sqlite:///{tmp_path}/shared.db"
    parts = race_processes(
        url, "increments", processes=processes, callers=callers, each=each, mode=mode
    )
    waits = [wait for part in parts for wait in part]
    assert len(waits) == processes * callers * each
    say(f"{processes} processes x {callers} callers: {spread(waits)}")
    middle, rare, _ = figures(waits)
    assert rare <= LONGEST
    for part in parts:  # each process gets its share
        assert figures(part)[0] < 4 * middle


@pytest.mark.serial
@pytest.mark.parametrize(
    ("name", "processes", "callers", "each", "mode"),
    [
        ("guarded", 4, 1, 200, "async"),
        ("guarded", 4, 2, 30, "sync"),
        ("appends", 4, 4, 25, "async"),
        ("winner", 4, 3, 40, "sync"),
        ("turns", 3, 2, 5, "async"),
        ("destroy", 4, 3, 40, "async"),
        ("destroy", 2, 3, 30, "sync"),
    ],
)
def test_race(  # noqa: PLR0917 - one row of the table
    name: str, processes: int, callers: int, each: int, mode: Mode, tmp_path: Path
):
    url = f"sqlite:///{tmp_path}/shared.db"
    parts = race_processes(url, name, processes=processes, callers=callers, each=each, mode=mode)
    assert len(parts) == processes
