"""The kit for those who write or change an engine: suites, races, crashes, counters."""

from __future__ import annotations

import sys

if "pytest" in sys.modules:  # the processes of the crash and race modules run without it
    sys.modules["pytest"].register_assert_rewrite(
        "threadkeep.testing._async", "threadkeep.testing._sync", "threadkeep.testing.tasks"
    )
