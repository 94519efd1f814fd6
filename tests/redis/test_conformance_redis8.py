"""The suite on Redis 8 by the clock of the tests, without await; long, for that on 7.0 runs always."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.redis.engine import clocked
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing.suite import *  # noqa: F403 - the suite

pytestmark = pytest.mark.long


@pytest.fixture
def make_engine(redis8_url: str, tk_prefix: str):
    def make(now: Callable[[], int], limits: Limits) -> Engine:
        return clocked(redis8_url, tk_prefix, now, limits)

    return make
