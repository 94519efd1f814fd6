"""A document driver with the four methods, without await: the suite but for what needs several processes."""

from __future__ import annotations

import pytest

from tests.document.drivers import Plain
from threadkeep.engines.document import DocumentEngine
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine():
    return lambda now, limits: DocumentEngine(Plain({}), now, limits)
