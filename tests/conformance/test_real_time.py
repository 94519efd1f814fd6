"""The memory engine as if its clock could not be set: the suite then waits, in short leases."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import pytest

from threadkeep._async.drivers.memory import AsyncMemoryEngine
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Capabilities
from threadkeep.testing.aio import *  # noqa: F403 - the suite

pytestmark = pytest.mark.long  # it waits for leases to run out


class OnItsOwnTime(AsyncMemoryEngine):
    def __init__(self, _now: Callable[[], int], limits: Limits) -> None:
        super().__init__(lambda: time.time_ns() // 1000, limits)

    @property
    def capabilities(self) -> Capabilities:
        return msgspec.structs.replace(super().capabilities, clock=False)


@pytest.fixture
def make_engine():
    return OnItsOwnTime
