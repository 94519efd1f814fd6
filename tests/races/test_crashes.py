"""The crash kit on SQLite files, and that it finds out a writer that promises too early."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.races.crowds import kill_writers
from tests.races.figures import Say
from threadkeep.testing.crashes import CrashError, Mode, Victim, check_crashes


@pytest.mark.serial
@pytest.mark.parametrize("mode", ["async", "sync"])
def test_a_killed_writer_loses_nothing(mode: Mode, tmp_path: Path, say: Say):
    kill_writers(f"sqlite:///{tmp_path}/crash.db", mode, say, kills=4, least=100)


@pytest.mark.serial
def test_a_writer_that_promises_too_early_is_found_out(tmp_path: Path):
    victim = Victim(url=f"sqlite:///{tmp_path}/crash.db", early=True)
    with pytest.raises(CrashError, match="was the last acknowledged"):
        check_crashes(victim, seed=1, kills=30)


def test_a_writer_that_cannot_write_is_no_success(tmp_path: Path):
    with pytest.raises(CrashError, match="ended after 0 of 100"):
        check_crashes(Victim(url=f"sqlite:///{tmp_path}/no/such/folder.db"), seed=1)
