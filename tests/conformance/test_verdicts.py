"""What the report of a check calls FULL: nothing failed, and nothing that an engine may offer is lacking."""

from __future__ import annotations

import pytest

from threadkeep.testing.telling import Line
from threadkeep.testing.verdicts import Report


def _report(*outcomes: tuple[str, str, str], problems: tuple[str, ...] = ()) -> Report:
    """Return the report of tests: topic, outcome, what is lacking or what failed."""
    lines = tuple(
        Line(topic, f"test_{number}", outcome, 0.0, reason)  # pyright: ignore[reportArgumentType]
        for number, (topic, outcome, reason) in enumerate(outcomes)
    )
    return Report(
        url="http://host/v1",
        engine="http",
        version="",
        durability="none",
        sync=False,
        seconds=1.0,
        lines=lines,
        problems=problems,
    )


PASSED = ("once", "passed", "")


@pytest.mark.parametrize("means", ["clock", "limits", "real time"])
def test_what_the_tests_lack_takes_nothing_from_the_engine(means: str):
    report = _report(PASSED, ("once", "skipped", means), ("clocks", "skipped", means))
    assert [(t.name, t.verdict) for t in report.topics] == [("clocks", "UNASKED"), ("once", "FULL")]
    assert (report.verdict, report.exit_status) == ("FULL", 0)
    assert report.text().endswith(f"FULL: 1 passed, 2 skipped (no {means}) in 1 s")


@pytest.mark.parametrize("offer", ["watch", "processes"])
def test_what_an_engine_may_offer_and_does_not_is_missed(offer: str):
    report = _report(PASSED, ("once", "skipped", "clock"), ("watch", "skipped", offer))
    assert [t.verdict for t in report.topics] == ["FULL", "NONE"]
    assert (report.verdict, report.exit_status) == ("PARTIAL", 0)


def test_a_failure_is_never_full():
    report = _report(PASSED, ("limits", "failed", "it fell"), ("limits", "skipped", "limits"))
    assert [t.verdict for t in report.topics] == ["NONE", "FULL"]
    assert (report.verdict, report.exit_status) == ("PARTIAL", 1)


@pytest.mark.parametrize(
    ("report", "verdict"),
    [
        (_report(), "UNASKED"),
        (_report(("clocks", "skipped", "clock")), "UNASKED"),
        (_report(("once", "failed", "it fell")), "NONE"),
        (_report(PASSED, problems=("12 of 20 tests ran",)), "PARTIAL"),
    ],
)
def test_what_was_not_run_to_its_end_is_no_success(report: Report, verdict: str):
    assert (report.verdict, report.exit_status) == (verdict, 1)
