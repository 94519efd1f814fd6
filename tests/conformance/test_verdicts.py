"""What the report of a check calls FULL: nothing failed, and nothing that an engine may offer is lacking."""

from __future__ import annotations

import msgspec
import pytest

from threadkeep.testing.report import _Run
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


def test_what_was_asked_twice_is_told():
    text = msgspec.structs.replace(_report(PASSED), again=("once: test_0",)).text()
    assert "asked twice, for it failed at first: once: test_0" in text.splitlines()


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


def test_what_failed_by_chance_is_asked_again_and_named():
    asked = ("moment", "test_to_ask_renews_nothing")
    run = _Run("memory://", sync=False, patience=60, told=None)
    run.wait([asked])
    assert [(one.topic, one.test, one.outcome) for one in run.lines] == [(*asked, "passed")]
    assert run.ask_again() == []
    lasting = Line("moment", "test_that_fails_whenever_it_is_asked", "failed", 0.0, "it fell")
    run.lines = [Line(*asked, "failed", 0.0, "it was late"), lasting]
    named = run.ask_again()
    assert named == [f"{topic}: {test}" for topic, test in (asked, (lasting.topic, lasting.test))]
    assert [one.outcome for one in run.lines] == ["passed", "failed"]
    assert run.lines[1] == lasting


def test_what_fails_widely_is_not_asked_again():
    run = _Run("memory://", sync=False, patience=60, told=None)
    run.lines = [Line("once", f"test_{number}", "failed", 0.0, "it fell") for number in range(11)]
    assert run.ask_again() == []
    assert len(run.lines) == 11
