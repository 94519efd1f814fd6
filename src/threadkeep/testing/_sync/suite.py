# Generated from src/threadkeep/testing/_async/suite.py by scripts/unasync. Do not edit.
"""The whole suite and its fixtures, for a test file to import with a star."""

from __future__ import annotations

from threadkeep.testing._sync.atomicity import TestAtomicity
from threadkeep.testing._sync.cache_failures import TestCacheFailures
from threadkeep.testing._sync.cached import TestCached
from threadkeep.testing._sync.claim import TestClaim
from threadkeep.testing._sync.clocks import TestClocks
from threadkeep.testing._sync.closing import TestCapabilities, TestClosing
from threadkeep.testing._sync.codec import TestCodec
from threadkeep.testing._sync.counts import TestCounts
from threadkeep.testing._sync.directory import TestDirectory, TestListing
from threadkeep.testing._sync.expiry import TestExpiry
from threadkeep.testing._sync.failing import TestFailingHandlers
from threadkeep.testing._sync.fixtures import (
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
from threadkeep.testing._sync.flights import TestFlights, upstream
from threadkeep.testing._sync.forks import TestForks
from threadkeep.testing._sync.guards import TestGuards
from threadkeep.testing._sync.kv import TestKv, kv
from threadkeep.testing._sync.kv_defaults import TestKvDefaults
from threadkeep.testing._sync.kv_listing import TestKvListing
from threadkeep.testing._sync.kv_namespaces import TestKvNamespaces
from threadkeep.testing._sync.leases import TestLeases
from threadkeep.testing._sync.lifecycle import TestLifecycle
from threadkeep.testing._sync.limits import TestLimits
from threadkeep.testing._sync.llm import TestLlm
from threadkeep.testing._sync.logs import TestLogs
from threadkeep.testing._sync.messages import TestMessages
from threadkeep.testing._sync.moment import TestMoment
from threadkeep.testing._sync.names import TestNames
from threadkeep.testing._sync.once import TestOnce
from threadkeep.testing._sync.pages import TestPages
from threadkeep.testing._sync.parts import TestParts
from threadkeep.testing._sync.policies import TestPolicies
from threadkeep.testing._sync.snapshots import TestSessions, TestSnapshots
from threadkeep.testing._sync.stale import TestStale
from threadkeep.testing._sync.state import TestState
from threadkeep.testing._sync.streams import TestStreams
from threadkeep.testing._sync.thread_leases import TestThreadLeases
from threadkeep.testing._sync.tools import TestTools
from threadkeep.testing._sync.turns import TestTurns
from threadkeep.testing._sync.watch import TestWatch
from threadkeep.testing._sync.windows import TestWindows

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
