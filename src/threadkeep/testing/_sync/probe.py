# Generated from src/threadkeep/testing/_async/probe.py by scripts/unasync. Do not edit.
"""The test file of `threadkeep.testing.report`: the suite against the store that a URL names."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from threadkeep._sync import urls  # a fixture of the suite is called open_engine too
from threadkeep.model.options import Limits
from threadkeep.ops.engine import Engine
from threadkeep.testing._sync.apart import Apart
from threadkeep.testing._sync.fixtures import MakeEngine
from threadkeep.testing._sync.suite import *  # noqa: F403 - the suite
from threadkeep.testing.telling import URL, touch


@pytest.fixture
def make_engine() -> MakeEngine:
    """Return what makes an engine for the URL, narrowed to the suite's own namespaces."""

    def make(now: Callable[[], int], limits: Limits) -> Engine:
        return Apart(urls.open_engine(os.environ[URL], now, limits), touch)

    return make
