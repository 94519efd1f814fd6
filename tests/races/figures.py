"""Figures that tests report: they stand at the end of the run, whether the test passes or fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Say = Callable[[str], None]


def teller(kind: str) -> Callable[..., Say]:
    """Make the fixture `say` of a folder."""

    @pytest.fixture
    def say(record_property: Callable[[str, object], None]) -> Say:
        return lambda text: record_property(kind, text)

    return say


def summary(kind: str) -> Callable[[pytest.TerminalReporter], None]:
    """Make the hook that prints what the tests of a folder said."""

    def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
        for reports in terminalreporter.stats.values():
            for report in reports:
                told = [v for k, v in getattr(report, "user_properties", ()) if k == kind]
                if told and getattr(report, "when", None) == "call":
                    terminalreporter.write_line(f"{report.nodeid}: {'; '.join(map(str, told))}")

    return pytest_terminal_summary


def spread(seconds: list[float]) -> str:
    """Say the middle, the one of a thousand and the longest of many waits."""
    middle, rare, longest = figures(seconds)
    return f"p50 {middle:.1f} ms, p99.9 {rare:.1f} ms, longest {longest:.1f} ms"


def figures(seconds: list[float]) -> tuple[float, float, float]:
    """Return the middle, the one of a thousand and the longest, in milliseconds."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    middle, rare, longest = (1e3 * ordered[int(last * part)] for part in (0.5, 0.999, 1))
    return middle, rare, longest
