"""A document driver with `compare_and_set` and all else, for asyncio: the whole suite, nothing skipped."""

from __future__ import annotations

import pytest

from tests.document.drivers import AsyncComparing, Rows
from threadkeep.engines.document import AsyncDocumentEngine
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture
def make_engine():
    rows: Rows = {}
    return lambda now, limits: AsyncDocumentEngine(AsyncComparing(rows), now, limits)
