"""Topics of the suite through a live server, which keeps its entities on Valkey and on PostgreSQL.

The topics are those where the two servers in a row could make a difference; `--long` runs all of them.
"""

from __future__ import annotations

from tests.http.behind import make_engine
from threadkeep.testing._async.atomicity import TestAtomicity
from threadkeep.testing._async.fixtures import *  # noqa: F403 - of the suite
from threadkeep.testing._async.once import TestOnce
from threadkeep.testing._async.watch import TestWatch

__all__ = ["TestAtomicity", "TestOnce", "TestWatch", "make_engine"]
