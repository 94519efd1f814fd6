"""The whole suite through a live server, which keeps its entities on Valkey and on PostgreSQL."""

from __future__ import annotations

import pytest

from tests.http.behind import make_engine
from threadkeep.testing.aio import *  # noqa: F403 - the suite

__all__ = ["make_engine"]
pytestmark = pytest.mark.long
