"""The suite on a MariaDB server, over its own time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.mysql.engine import async_engine
from threadkeep.model.options import Limits
from threadkeep.ops.engine import AsyncEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(place: str):
    def make(_now: Callable[[], int], limits: Limits) -> AsyncEngine:
        return async_engine(place, limits)

    return make
