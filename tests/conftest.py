"""What every test shares: the event loop, `--long`, and the rule for skips.

In CI a skip is a failure, for it may hide a missing part. One reason is allowed: a feature that an
engine says it does not offer, skipped with a reason that begins with "capability: ".
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Generator

import pytest

pytest_plugins = ["tests.servers.fixtures"]

if threading.current_thread() is threading.main_thread():
    # A run in the background of a shell ignores Ctrl-C, and so would the programs that tests interrupt.
    signal.signal(signal.SIGINT, signal.default_int_handler)

CI = os.environ.get("CI") == "true"
ALLOWED = "capability: "
SLOW = 30.0  # seconds
BEGIN = time.monotonic()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="run the tests marked `long` too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if item not in long]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name a failed or slow test at once: a run that is ended from outside prints no summary."""
    failed = report.failed and not hasattr(report, "wasxfail")
    if failed or report.duration > SLOW:
        verdict = "failed after" if failed else "took"
        since = time.monotonic() - BEGIN
        sys.stdout.write(
            f"\n{report.nodeid}: {report.when} {verdict} {report.duration:.0f} s"
            f" ({since:.0f} s since the start)\n"
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip in CI into a failure, unless the reason is allowed or it is an xfail."""
    if not CI or report.outcome != "skipped" or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not reason.removeprefix("Skipped: ").startswith(ALLOWED):
        report.outcome = "failed"
        report.longrepr = f"a skip is a failure in CI: {reason}"
