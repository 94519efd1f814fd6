"""The whole suite and its fixtures, for a test file to import with a star."""

from __future__ import annotations

from threadkeep.testing._async.atomicity import TestAtomicity
from threadkeep.testing._async.cache_failures import TestCacheFailures
from threadkeep.testing._async.cached import TestCached
from threadkeep.testing._async.claim import TestClaim
from threadkeep.testing._async.clocks import TestClocks
from threadkeep.testing._async.closing import TestCapabilities, TestClosing
from threadkeep.testing._async.codec import TestCodec
from threadkeep.testing._async.counts import TestCounts
from threadkeep.testing._async.directory import TestDirectory, TestListing
from threadkeep.testing._async.expiry import TestExpiry
from threadkeep.testing._async.failing import TestFailingHandlers

# sync: off
# sync: on
from threadkeep.testing._async.fixtures import (
    anyio_backend,
    clock,
    engine,
    leased,
    make_store,
    namespace,
    needs_clock,
    needs_limits,
    needs_processes,
    needs_watch,
    open_engine,
    own,
    store,
    subject,
    thread,
)
from threadkeep.testing._async.flights import TestFlights, upstream
from threadkeep.testing._async.forks import TestForks
from threadkeep.testing._async.guards import TestGuards
from threadkeep.testing._async.kv import TestKv, kv
from threadkeep.testing._async.kv_defaults import TestKvDefaults
from threadkeep.testing._async.kv_listing import TestKvListing
from threadkeep.testing._async.kv_namespaces import TestKvNamespaces
from threadkeep.testing._async.leases import TestLeases
from threadkeep.testing._async.lifecycle import TestLifecycle
from threadkeep.testing._async.limits import TestLimits
from threadkeep.testing._async.llm import TestLlm
from threadkeep.testing._async.logs import TestLogs
from threadkeep.testing._async.messages import TestMessages
from threadkeep.testing._async.moment import TestMoment
from threadkeep.testing._async.names import TestNames
from threadkeep.testing._async.once import TestOnce
from threadkeep.testing._async.pages import TestPages
from threadkeep.testing._async.parts import TestParts
from threadkeep.testing._async.policies import TestPolicies
from threadkeep.testing._async.snapshots import TestSessions, TestSnapshots
from threadkeep.testing._async.stale import TestStale
from threadkeep.testing._async.state import TestState
from threadkeep.testing._async.streams import TestStreams
from threadkeep.testing._async.thread_leases import TestThreadLeases
from threadkeep.testing._async.tools import TestTools
from threadkeep.testing._async.turns import TestTurns
from threadkeep.testing._async.watch import TestWatch
from threadkeep.testing._async.windows import TestWindows

__all__ = [
    "TestAtomicity",
    "TestCacheFailures",
    "TestCached",
    "TestCapabilities",
    "TestClaim",
    "TestClocks",
    "TestClosing",
    "TestCodec",
    "TestCounts",
    "TestDirectory",
    "TestExpiry",
    "TestFailingHandlers",
    "TestFlights",
    "TestForks",
    "TestGuards",
    "TestKv",
    "TestKvDefaults",
    "TestKvListing",
    "TestKvNamespaces",
    "TestLeases",
    "TestLifecycle",
    "TestLimits",
    "TestListing",
    "TestLlm",
    "TestLogs",
    "TestMessages",
    "TestMoment",
    "TestNames",
    "TestOnce",
    "TestPages",
    "TestParts",
    "TestPolicies",
    "TestSessions",
    "TestSnapshots",
    "TestStale",
    "TestState",
    "TestStreams",
    "TestThreadLeases",
    "TestTools",
    "TestTurns",
    "TestWatch",
    "TestWindows",
    "clock",
    "engine",
    "kv",
    "leased",
    "make_store",
    "namespace",
    "needs_clock",
    "needs_limits",
    "needs_processes",
    "needs_watch",
    "open_engine",
    "own",
    "store",
    "subject",
    "thread",
    "upstream",
]
# sync: off
__all__ += ["anyio_backend"]
# sync: on
