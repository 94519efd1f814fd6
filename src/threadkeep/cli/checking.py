"""`threadkeep check`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Protocol

from cyclopts import Parameter

from threadkeep.cli.opening import Machine, with_token
from threadkeep.cli.progress import progress
from threadkeep.cli.telling import put
from threadkeep.errors import UsageError

if TYPE_CHECKING:
    from threadkeep.testing.verdicts import Report


class Check(Protocol):
    """What runs the suite."""

    def __call__(self, url: str, *, sync: bool, told: Callable[[int, int, object], None]) -> Report:
        """Run it; `told` hears of each test."""
        ...


def check(
    url: str,
    /,
    *,
    sync: Annotated[
        bool, Parameter(negative="", show_default=False, help="Check the engine without await.")
    ] = False,
    json: Machine = False,
) -> int:
    """Run the conformance suite against a store and say what it keeps of the promises.

    FULL, PARTIAL or NONE for each topic, UNASKED where all of it needs a clock or limits of the tests' own
    and the store's are a server's; exit code 1 when a test fails. It works in namespaces of its own, which it
    removes, and touches nothing else. Where time is real, up to ten failures are asked a second time, and named.
    Needs pytest and anyio.

    JSON: {"verdict", "url", "engine", "version", "durability", "sync", "seconds", "again", "problems",
    "topics": [{"name", "verdict", "passed", "failed", "skipped", "lacking"}], "failures": [{"topic", "test",
    "outcome", "seconds", "reason"}]}.

    Args:
        url: URL of the store.
    """
    url = with_token(url)
    done = total = 0

    def told(count: int, of: int, _line: object) -> None:
        nonlocal done, total
        done, total = count, of
        tick()

    with progress("check", None, lambda: done, unit="tests", whole=lambda: total) as tick:
        report = _suite()(url, sync=sync, told=told)
    put(report.json().decode() if json else report.text())
    return report.exit_status


def _suite() -> Check:
    """Return what runs the suite. UsageError when this installation does not have it."""
    try:
        from threadkeep.testing.report import check as run
    except ModuleNotFoundError as error:
        raise UsageError(
            f"this installation has no conformance suite ({error.name} is missing)"
        ) from error
    return run
