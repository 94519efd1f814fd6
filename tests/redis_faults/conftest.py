"""What the fault tests through the store share: the seed, and the figures they report."""

from __future__ import annotations

import os
import secrets
from random import Random

import pytest

from tests.faults.conftest import fuse
from tests.races import figures

__all__ = ["fuse"]

SEED = "THREADKEEP_FAULT_SEED"

say = figures.teller("redis fault")
pytest_terminal_summary = figures.summary("redis fault")


@pytest.fixture
def random(say: figures.Say) -> Random:
    """Random numbers from a seed that is reported and that the environment can set."""
    seed = int(os.environ.get(SEED) or secrets.randbelow(1_000_000))
    say(f"{SEED}={seed}")
    return Random(seed)
