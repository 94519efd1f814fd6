"""A 200-batch script, killed or refused at its n-th write or sync: all or nothing, each time.

An error that the caller sees is an error of threadkeep, and what was acknowledged stands.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest

from tests.faults.conftest import Say
from tests.faults.injection import (
    EIO,
    ENOSPC,
    KILL,
    SYNC,
    WRITE,
    Fault,
    Outcome,
    count_calls,
    strike,
)
from tests.faults.script import Slip

SCRIPTS: dict[str, tuple[object, ...]] = {
    "one caller": ("--mode", "sync", "--count", 200, "--keep-on"),
    "eight callers": ("--mode", "async", "--callers", 8, "--count", 25, "--keep-on"),
}
# the part of the counted calls that every run makes: callers share a sync as chance has it
SURE = {"one caller": 0.95, "eight callers": 0.6}
KINDS = [(calls, action) for calls in (WRITE, SYNC) for action in (KILL, EIO, ENOSPC)]
POINTS = 6  # of each kind in the normal run: the first call, the last sure one, random ones between
WORKERS = 2
LONG = [pytest.mark.long, pytest.mark.timeout(6 * 3600)]


def strike_all(
    strace: str, folder: Path, options: tuple[object, ...], faults: list[Fault]
) -> list[Outcome]:
    with ThreadPoolExecutor(WORKERS) as pool:
        jobs = [
            pool.submit(strike, strace, folder / str(number), options, fault)
            for number, fault in enumerate(faults)
        ]
        return [job.result() for job in jobs]


def some(calls: int, random: Random) -> list[int]:
    return [1, *sorted(random.sample(range(2, calls), POINTS - 2)), calls]


def figures(outcomes: list[Outcome]) -> str:
    struck = [o for o in outcomes if o.struck]
    acknowledged = [o.verdict.acknowledged for o in struck]
    errors = sorted({e for o in struck for e in o.account.errors})
    return (
        f"{len(struck)} of {len(outcomes)} faults struck, "
        f"{min(acknowledged)} to {max(acknowledged)} acknowledged, errors: {errors}"
    )


@pytest.mark.serial
@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=LONG)])
def test_all_or_nothing_at_every_nth_call(
    tmp_path: Path, strace: str, random: Random, say: Say, *, script: str, every: bool
) -> None:
    options = SCRIPTS[script]
    most = count_calls(strace, tmp_path / "counted", options)
    faults = [
        Fault(calls, action, at)
        for calls, action in KINDS
        for at in (
            range(1, most[calls] + 1) if every else some(int(most[calls] * SURE[script]), random)
        )
    ]
    outcomes = strike_all(strace, tmp_path, options, faults)
    say(f"{dict(most)}; {figures(outcomes)}")
    assert [o.problem for o in outcomes if o.problem] == []
    assert sum(o.struck for o in outcomes) > len(outcomes) / 2
    assert any(o.account.errors for o in outcomes)


@pytest.mark.serial
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_disk_that_stays_full_or_broken(
    tmp_path: Path, script: str, strace: str, random: Random, say: Say
) -> None:
    options = SCRIPTS[script]
    most = count_calls(strace, tmp_path / "counted", options)
    faults = [
        Fault(calls, action, random.randrange(1, most[calls] // 2), lasting=True)
        for calls, action in KINDS
        if action != KILL
    ]
    outcomes = strike_all(strace, tmp_path, options, faults)
    say(figures(outcomes))
    assert [o.problem for o in outcomes if o.problem] == []
    assert all(o.struck and o.account.errors for o in outcomes)


CONTROLS = {
    Slip.EARLY: Fault(WRITE, KILL, 100),
    Slip.SPLIT: Fault(SYNC, KILL, 100),
    Slip.SWALLOW: Fault(WRITE, EIO, 100, lasting=True),
}


@pytest.mark.serial
@pytest.mark.parametrize("slip", CONTROLS)
def test_the_same_faults_find_out_a_wrong_subject(
    tmp_path: Path, slip: Slip, strace: str, say: Say
) -> None:
    options = (*SCRIPTS["one caller"], "--slip", slip.value)
    first = CONTROLS[slip]
    faults = [Fault(first.calls, first.action, first.at + i, first.lasting) for i in range(4)]
    outcomes = strike_all(strace, tmp_path, options, faults)
    say("; ".join(str(o.verdict) for o in outcomes))
    assert all(o.struck for o in outcomes)
    if slip is Slip.SPLIT:
        assert any(o.verdict.half for o in outcomes)
    else:
        assert all(o.verdict.lost for o in outcomes)
