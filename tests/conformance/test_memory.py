"""The memory engine, for asyncio."""

from __future__ import annotations

import pytest

from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine():
    return AsyncMemoryEngine
