"""Two and four processes that write one SQLite file: nothing is lost, and nobody waits for long."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from threadkeep.testing.races_processes import Mode, race_processes

Say = Callable[[str], None]
LONGEST = 0.5  # seconds for one call in a thousand; SQLite's own waiting takes 1.6 and more


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Print a figure beside the test's name."""

    def line(text: str) -> None:
        with capsys.disabled():
            print(f"\n    {text}", end=" ")

    return line


def figures(waits: list[float]) -> tuple[float, float, float]:
    """The middle, the one of a thousand and the longest, in milliseconds."""
    ordered = sorted(waits)
    last = len(ordered) - 1
    middle, rare, longest = (1e3 * ordered[int(last * part)] for part in (0.5, 0.999, 1))
    return middle, rare, longest


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
    middle, rare, longest = figures(waits)
    say(
        f"{processes} processes x {callers} callers: "
        f"p50 {middle:.1f} ms, p99.9 {rare:.1f} ms, longest {longest:.1f} ms"
    )
    assert rare <= LONGEST * 1e3
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
def test_race(name: str, processes: int, callers: int, each: int, mode: Mode, tmp_path: Path):
    url = f"sqlite:///{tmp_path}/shared.db"
    parts = race_processes(url, name, processes=processes, callers=callers, each=each, mode=mode)
    assert len(parts) == processes
