"""The kit for those who write or change an engine: suites, races, crashes, counters."""

from __future__ import annotations

import sys

_pytest = sys.modules.get("pytest")
if _pytest is not None:  # the processes of the crash and race modules run without it
    _pytest.register_assert_rewrite(
        "threadkeep.testing._async", "threadkeep.testing._sync", "threadkeep.testing.tasks"
    )
