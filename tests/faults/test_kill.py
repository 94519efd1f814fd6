"""kill -9 between and during writes: what was acknowledged stands, and no batch stands by half."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from random import Random

import pytest

from tests.faults.conftest import Say
from tests.faults.ledger import Account
from tests.faults.run import running
from tests.faults.script import Slip
from tests.faults.verify import Verdict, verify

FLOOR = 100  # a kill does not count below so many acknowledged batches
LATER = 0.15  # seconds: it comes at a random moment after them
ASYNC = ("--mode", "async", "--callers", 16)
SYNC = ("--mode", "sync", "--callers", 4)
LONG = [pytest.mark.long, pytest.mark.timeout(3600)]


def kill_again_and_again(
    folder: Path, options: tuple[object, ...], kills: int, random: Random
) -> list[Verdict]:
    """Kill one subject after another on one file; the verdict after each kill covers them all."""
    ledgers: list[Path] = []
    verdicts: list[Verdict] = []
    first = 1
    for kill in range(kills):
        ledgers.append(folder / f"ledger{kill}")
        with running(
            f"sqlite:///{folder}/k.db", ledgers[-1], "--first", first, *options
        ) as subject:
            subject.await_load(FLOOR)
            time.sleep(random.random() * LATER)
            subject.kill()
        account = Account.read(*ledgers)
        first = max(n for begun in account.begun.values() for n in begun) + 1
        verdicts.append(verify(folder / "k.db", account))
    return verdicts


@pytest.mark.serial
@pytest.mark.parametrize("options", [ASYNC, SYNC], ids=["async", "sync"])
@pytest.mark.parametrize("kills", [6, pytest.param(100, marks=LONG)])
def test_a_kill_loses_nothing(
    tmp_path: Path, options: tuple[object, ...], kills: int, random: Random, say: Say
) -> None:
    verdicts = kill_again_and_again(tmp_path, options, kills, random)
    say(f"{kills} kills, {verdicts[-1]}")
    assert [str(v) for v in verdicts if not v.fine] == []
    assert verdicts[-1].acknowledged >= kills * FLOOR


@pytest.mark.serial
@pytest.mark.parametrize("slip", [Slip.EARLY, Slip.SPLIT])
def test_the_same_kills_find_out_a_wrong_subject(
    tmp_path: Path, slip: Slip, random: Random, say: Say
) -> None:
    # most kills strike during a sync, when the batch is in the page cache and so survives them
    for kill in range(40):
        folder = tmp_path / str(kill)
        folder.mkdir()
        (verdict,) = kill_again_and_again(folder, (*ASYNC, "--slip", slip.value), 1, random)
        # halves on the shared thread part company without a kill as well
        half = [found for found in verdict.half if not found.startswith("shared")]
        if verdict.lost if slip is Slip.EARLY else half:
            say(f"{slip.value}: found after {kill + 1} kills, {verdict}")
            return
    pytest.fail("the control found nothing, so the harness proves nothing")


@pytest.mark.serial
def test_the_other_processes_go_on(tmp_path: Path, random: Random, say: Say) -> None:
    url = f"sqlite:///{tmp_path}/k.db"
    with ExitStack() as stack:
        subjects = [
            stack.enter_context(
                running(
                    url,
                    tmp_path / name,
                    *("--name", name, "--mode", mode, "--callers", 4, "--count", 300),
                )
            )
            for name, mode in (("p", "async"), ("q", "sync"), ("r", "async"))
        ]
        victim = random.choice(subjects)
        victim.await_load(FLOOR)
        time.sleep(random.random() * LATER)
        victim.kill()
        others = [s for s in subjects if s is not victim]
        codes = [s.await_end() for s in others]
    account = Account.read(*(s.ledger for s in subjects))
    verdict = verify(tmp_path / "k.db", account)
    say(f"killed {victim.ledger.name} after {len(account.acked)} of 12 callers wrote, {verdict}")
    assert account.errors == []
    assert codes == [0, 0]
    assert [s.account().acknowledged for s in others] == [1200, 1200]
    assert victim.account().done is False
    assert verdict.fine, str(verdict)


@pytest.mark.serial
@pytest.mark.parametrize("turn", range(4))
def test_processes_create_one_database_together(tmp_path: Path, turn: int) -> None:
    url = f"sqlite:///{tmp_path}/k.db"
    with ExitStack() as stack:
        subjects = [
            stack.enter_context(running(url, tmp_path / name, "--name", name, "--count", 8))
            for name in "pqrstu"
        ]
        codes = [subject.await_end() for subject in subjects]
    account = Account.read(*(subject.ledger for subject in subjects))
    assert account.errors == []
    assert codes == [0] * len(subjects)
    verdict = verify(tmp_path / "k.db", account)
    assert verdict.fine, str(verdict)
