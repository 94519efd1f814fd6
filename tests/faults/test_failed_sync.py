"""A sync that fails loses what it should have kept, and the next one succeeds as if nothing were.

A store that takes the second sync for an answer acknowledges what is not on the disk.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.faults.conftest import Say
from tests.faults.disk import Cut
from tests.faults.mount import LossyMount
from tests.faults.run import running
from tests.faults.script import Slip
from tests.faults.verify import Verdict, verify

FLOOR = 50  # batches acknowledged before the failing sync, and again after it
LATER = 300  # syncs: it is a random one of so many
TRIALS = 8


def fail_one_sync(folder: Path, random: Random, slip: Slip) -> tuple[str, Verdict]:
    """Let one sync fail under load, go on, cut the power; also says which file it was."""
    image, ledger = folder / "image", folder / "ledger"
    options = ("--mode", "async", "--callers", 8, "--keep-on", "--slip", slip.value)
    mounted = folder / "mounted"
    with (
        LossyMount(mounted, folder / "empty") as mount,
        running(f"sqlite:///{mounted}/p.db", ledger, *options) as subject,
    ):
        subject.await_load(FLOOR)
        mount.order_failing_sync(random.randint(1, LATER))
        failed = mount.await_failing_sync()
        subject.await_load(subject.acknowledged() + FLOOR)
        mount.order_cut(Cut.DROP, 0, image)
        mount.await_cut()
        subject.kill()
        account = subject.account()
    assert account.untyped == []
    return failed, verify(image / "p.db", account)


@pytest.mark.serial
def test_a_failed_sync_is_never_acknowledged(
    tmp_path: Path, fuse: None, random: Random, say: Say
) -> None:
    found = [fail_one_sync(tmp_path / str(i), random, Slip.NONE) for i in range(TRIALS)]
    say("; ".join(f"{file}: {verdict}" for file, verdict in found))
    assert [str(v) for _, v in found if not v.fine] == []


@pytest.mark.serial
def test_it_finds_out_a_subject_that_acknowledges_all_the_same(
    tmp_path: Path, fuse: None, random: Random, say: Say
) -> None:
    # one group of batches is swallowed; fields that were written again since do not show it
    for trial in range(10):
        file, verdict = fail_one_sync(tmp_path / str(trial), random, Slip.SWALLOW)
        say(f"{file}: {verdict}")
        if verdict.lost:
            return
    pytest.fail("the control found no loss, so the harness proves nothing")
