"""A document driver with the four methods, without await: the suite but for what needs several processes.

Long, for the one with more methods and the one over SQL run always.
"""

from __future__ import annotations

import pytest

from tests.document.drivers import Plain
from threadkeep.engines.document import DocumentEngine
from threadkeep.testing.suite import *  # noqa: F403 - the suite

pytestmark = pytest.mark.long


@pytest.fixture
def make_engine():
    return lambda now, limits: DocumentEngine(Plain({}), now, limits)
