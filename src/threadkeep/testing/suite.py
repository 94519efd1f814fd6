"""The conformance suite for an engine without await; `threadkeep.testing.aio` says how to use it."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("threadkeep.testing._sync", "threadkeep.testing.tasks")

from threadkeep.testing._sync import suite  # noqa: E402 - its asserts are rewritten first
from threadkeep.testing._sync.suite import *  # noqa: E402, F403 - all of it is handed on

__all__ = suite.__all__
