"""The memory engine, without await."""

from __future__ import annotations

import pytest

from threadkeep._sync.drivers.memory import MemoryEngine
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine():
    return MemoryEngine
