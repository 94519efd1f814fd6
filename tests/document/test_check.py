"""`threadkeep check` on a document driver: what it cannot guarantee is named, all else passes."""

from __future__ import annotations

import pytest

from tests.document.drivers import AsyncComparing, Plain, Rows
from threadkeep import Store, UsageError
from threadkeep.testing.report import check

ROWS: Rows = {}


def plain() -> Plain:
    """Return a driver with the four methods."""
    return Plain(ROWS)


def comparing() -> AsyncComparing:
    """Return one with all methods."""
    return AsyncComparing(ROWS)


@pytest.mark.long
def test_four_methods_are_not_enough_for_several_processes():
    report = check("document:///tests.document.test_check:plain", sync=True)
    assert (report.engine, report.verdict, report.exit_status) == ("document", "PARTIAL", 0)
    assert "processes" in report.total.lacking
    assert {line.reason for line in report.lines if line.outcome != "passed"} <= {
        "processes",
        "real time",
    }
    assert not report.failures


@pytest.mark.long
def test_with_compare_and_set_they_are():
    report = check("document:///tests.document.test_check:comparing")
    assert report.version.startswith("compare_and_set")
    assert set(report.total.lacking) <= {"real time"}
    assert (report.exit_status, report.failures, report.problems) == (0, (), ())


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("document:///sessions", "document:///my_drivers:Driver"),
        ("document://host/sessions:Sessions", "document:///my_drivers:Driver"),
        ("document:///..x:y", "document:///my_drivers:Driver"),
        ("document:///no_such_module:Driver", "no_such_module"),
        ("document:///tests.document.test_check:nothing", "nothing"),
        ("document:///tests.document.test_check:ROWS", "unknown"),
        ("document:///tests.document.test_check:plain?x=1", "x"),
    ],
)
def test_what_names_no_driver_is_said(url: str, said: str):
    with pytest.raises(UsageError, match=said):
        Store(url)


def test_a_url_leads_to_the_driver():
    with Store("document:///tests.document.test_check:plain") as store:
        store.thread("by url").state.set("a", 1)
    assert "default:thread:by%20url" in ROWS
    with pytest.raises(UsageError, match="AsyncStore"):
        Store("document:///tests.document.test_check:comparing")
