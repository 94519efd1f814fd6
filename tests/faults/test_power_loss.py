"""Power loss under load: at durability `full` no acknowledged batch is lost, at `normal` some are.

Runs on the lossy FUSE file system, or, where that cannot be mounted, on crash images made of the
recorded writes of a subject. The report says which of the two it was.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.faults.conftest import FUSE, Say
from tests.faults.crash_images import crash_images
from tests.faults.disk import Cut
from tests.faults.ledger import Account
from tests.faults.mount import LossyMount
from tests.faults.run import FAILED, running
from tests.faults.verify import Verdict, verify

FLOOR = (
    50  # a cut does not count below so many batches acknowledged since the file system was mounted
)
LATER = 4000  # requests: it comes at a random one of so many after them, a checkpoint's among them
CHAIN = 5  # so many cuts hit the same database, each image being mounted again
SUBJECTS = (("--mode", "async", "--callers", 16), ("--mode", "sync", "--callers", 1))
LONG = [pytest.mark.long, pytest.mark.timeout(3600)]


def cut_power(folder: Path, durability: str, cuts: int, random: Random) -> list[Verdict]:
    """Cut the power `cuts` times under one database that survives from cut to cut."""
    backing = folder / "empty"
    ledgers: list[Path] = []
    verdicts: list[Verdict] = []
    first = 1
    for number in range(cuts):
        image = folder / f"image{number}"
        ledgers.append(folder / f"ledger{number}")
        options = (*random.choice(SUBJECTS), "--first", first)
        with LossyMount(folder / "mounted", backing) as mount:
            url = f"sqlite:///{mount.path}/p.db?durability={durability}"
            with running(url, ledgers[-1], *options) as subject:
                subject.await_load(FLOOR)
                cut = random.choice(list(Cut))
                mount.order_cut(cut, random.getrandbits(32), image, random.randrange(LATER))
                mount.await_cut()
                if random.random() < 0.5:
                    assert subject.await_end() == FAILED  # it saw the error and went
                subject.kill()
        account = Account.read(*ledgers)
        assert account.untyped == []
        first = max(n for begun in account.begun.values() for n in begun) + 1
        verdicts.append(verify(image / "p.db", account))
        backing = image
    return verdicts


def cut_power_in_chains(
    way: str, folder: Path, durability: str, random: Random, *, cuts: int, chain: int
) -> list[Verdict]:
    """`cuts` power cuts, each `chain` of them under one database; recorded, one has them all."""
    if way != FUSE:
        return crash_images(folder, way, durability, cuts, random)
    return [
        verdict
        for number in range(cuts // chain)
        for verdict in cut_power(folder / str(number), durability, chain, random)
    ]


@pytest.mark.serial
@pytest.mark.parametrize("cuts", [20, pytest.param(500, marks=LONG)])
def test_power_loss_at_full_loses_nothing(
    tmp_path: Path, cuts: int, way_to_cut: str, random: Random, say: Say
) -> None:
    verdicts = cut_power_in_chains(way_to_cut, tmp_path, "full", random, cuts=cuts, chain=CHAIN)
    say(figures(way_to_cut, "full", verdicts))
    assert len(verdicts) == cuts
    assert [str(v) for v in verdicts if not v.fine] == []
    assert min(v.acknowledged for v in verdicts) >= FLOOR


@pytest.mark.serial
def test_power_loss_at_normal_loses_batches_but_no_half(
    tmp_path: Path, way_to_cut: str, random: Random, say: Say
) -> None:
    verdicts = cut_power_in_chains(way_to_cut, tmp_path, "normal", random, cuts=6, chain=1)
    say(figures(way_to_cut, "normal", verdicts))
    assert any(v.lost for v in verdicts), "the control found no loss: the harness proves nothing"
    assert [str(v) for v in verdicts if v.half or v.wrong] == []


def figures(way: str, durability: str, verdicts: list[Verdict]) -> str:
    name = way if way == FUSE else "recorded writes"
    pairs = [f"{len(v.lost)}/{v.acknowledged}" for v in verdicts]
    total = sum(len(v.lost) for v in verdicts)
    shown = " ".join(pairs[:20]) + (" ..." if len(pairs) > 20 else "")
    return f"{name}, {durability}: {len(pairs)} cuts, {total} lost (lost/acknowledged: {shown})"
