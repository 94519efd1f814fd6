"""The suite on a MariaDB server with the clock of the tests, without await."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.mysql.engine import sync_engine
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine(place: str):
    def make(now: Callable[[], int], limits: Limits) -> Engine:
        return sync_engine(place, limits, now)

    return make
