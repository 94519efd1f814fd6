"""What a run of the suite in a process of its own tells the process that began it: a pytest plugin.

Each piece of news is one line of JSON on the standard output, after a mark.
"""

from __future__ import annotations

import os
import re
from typing import Final, Literal

import msgspec
import pytest

from threadkeep.model.refs import Ref

URL: Final = "_THREADKEEP_CHECK_URL"  # between the two processes of a check
ONLY: Final = "_THREADKEEP_CHECK_ONLY"  # JSON: the tests to run, as topic and test
PACE: Final = "_THREADKEEP_CHECK_PACE"  # how long a second of a test takes where time is real
MARK: Final = b"@threadkeep "
SUITES: Final = (
    "threadkeep.testing._async",
    "threadkeep.testing._sync",
    "threadkeep.testing.tasks",
)
Outcome = Literal["passed", "failed", "skipped"]


class Total(msgspec.Struct, frozen=True, tag="total"):
    """How many tests there are."""

    count: int


class Began(msgspec.Struct, frozen=True, tag="began"):
    """A test has begun."""

    topic: str
    test: str


class Touched(msgspec.Struct, frozen=True, tag="touched"):
    """An entity is about to be written to."""

    ref: Ref


class Line(msgspec.Struct, frozen=True, tag="line"):
    """What became of one test; `reason` is the capability that is lacking, or what failed."""

    topic: str
    test: str
    outcome: Outcome
    seconds: float
    reason: str = ""


News = Total | Began | Touched | Line
_touched: set[Ref] = set()
_decode = msgspec.json.Decoder(News).decode


def read_news(line: bytes) -> News | None:
    """Return the news that a line of output carries; None when it is something else."""
    try:
        return _decode(line[len(MARK) :]) if line.startswith(MARK) else None
    except msgspec.MsgspecError:
        return None


def tell(news: News) -> None:
    """Write a piece of news."""
    os.write(1, b"\n" + MARK + msgspec.json.encode(news) + b"\n")


def touch(ref: Ref) -> None:
    """Tell of an entity before it is written to for the first time."""
    if ref not in _touched:
        _touched.add(ref)
        tell(Touched(ref))


def names_of(node: str) -> tuple[str, str]:
    """Return topic and test of a pytest id: `TestThreadLeases::test_x[a]` is of `thread leases`."""
    topic, _, test = node.split("::", 1)[-1].partition("::")
    words = re.findall("[A-Z][a-z]*", topic.removeprefix("Test"))
    return " ".join(words).lower() or topic, test


class Teller:
    """The plugin."""

    def __init__(self) -> None:
        self._parts: list[pytest.TestReport] = []

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave out the tests that are not asked for."""
        asked = os.environ.get(ONLY)
        if asked:
            wanted = set(msgspec.json.decode(asked, type=list[tuple[str, str]]))
            items[:] = [item for item in items if names_of(item.nodeid) in wanted]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell how many tests there are."""
        tell(Total(len(session.items)))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Tell that a test begins."""
        self._parts = []
        tell(Began(*names_of(nodeid)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Collect what became of setup, call and teardown."""
        self._parts.append(report)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        """Tell what became of a test."""
        seconds = sum(part.duration for part in self._parts)
        decisive = next((part for part in self._parts if part.outcome != "passed"), None)
        outcome: Outcome = "passed" if decisive is None else decisive.outcome
        reason = "" if decisive is None else reason_of(decisive)
        tell(Line(*names_of(nodeid), outcome, round(seconds, 4), reason))


def reason_of(report: pytest.TestReport) -> str:
    """Return why a test failed or was skipped, in a line or a few."""
    found = report.longrepr
    if isinstance(found, tuple):
        return found[2].removeprefix("Skipped: ").removeprefix("capability: ")
    crash = getattr(found, "reprcrash", None)
    text = (
        str(found).strip() if crash is None else f"{crash.message}\n({crash.path}:{crash.lineno})"
    )
    return text[:2_000]


def pytest_configure(config: pytest.Config) -> None:
    """Begin to tell, with the asserts of the suite rewritten so that they explain themselves."""
    pytest.register_assert_rewrite(*SUITES)
    config.pluginmanager.register(Teller(), "threadkeep-teller")
