"""The way without FUSE: crash images made from the recorded writes of a subject."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.faults.conftest import Say
from tests.faults.crash_images import FLOOR, crash_images


@pytest.mark.serial
def test_crash_images_at_full_lose_nothing_and_at_normal_something(
    tmp_path: Path, strace: str, random: Random, say: Say
) -> None:
    full = crash_images(tmp_path / "full", strace, "full", 12, random)
    normal = crash_images(tmp_path / "normal", strace, "normal", 6, random)
    for name, verdicts in (("full", full), ("normal", normal)):
        lost = [len(v.lost) for v in verdicts]
        say(f"recorded writes, {name}: {len(verdicts)} images, {sum(lost)} lost: {lost}")
    assert [str(v) for v in full if not v.fine] == []
    assert [str(v) for v in normal if v.half or v.wrong] == []
    assert any(v.lost for v in normal), "the control found no loss, so the images prove nothing"
    assert min(v.acknowledged for v in full) >= FLOOR


@pytest.mark.serial
@pytest.mark.long
@pytest.mark.timeout(3600)
def test_every_sync_point_and_the_moments_between(
    tmp_path: Path, strace: str, random: Random, say: Say
) -> None:
    verdicts = crash_images(tmp_path, strace, "full", None, random)
    say(f"recorded writes, full: {len(verdicts)} images, {sum(len(v.lost) for v in verdicts)} lost")
    assert [str(v) for v in verdicts if not v.fine] == []
