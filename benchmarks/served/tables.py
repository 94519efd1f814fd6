"""The tables and the budget of the part on the server."""

from collections.abc import Iterator
from typing import Final

from benchmarks.results import Http, percentile
from benchmarks.served.load import CONNECTIONS
from benchmarks.served.measure import STORES
from benchmarks.tables import Table, figure, ratio

STARLETTE: Final = "bare Starlette"
SHARE: Final = 0.5


def judged(found: Http) -> Iterator[tuple[str, str, str, bool]]:
    """Yield the budget for each operation: what it is, the limit, the figure, whether it is kept."""
    for op, loads in found.load.items():
        bare = loads.get(STARLETTE)
        for name in STORES:
            ours = loads.get(name)
            if ours and bare:
                share = ours.per_second / bare.per_second
                told = f"{share:.0%} ({ours.per_second:,.0f}/s of {bare.per_second:,.0f}/s)"
                budget = f"http: {op} of {name} against {STARLETTE}, requests/s"
                yield budget, f">= {SHARE:.0%}", told, share >= SHARE


def tables(found: Http) -> Iterator[Table]:
    """Yield the tables."""
    if found.load:
        yield _requests(found)
    rows = [
        [
            f"a change to {found.watchers:,} watchers, until the last has heard of it",
            f"{figure(percentile(found.fan_out_ms, 0.5))} ms",
        ],
        ["memory of a watcher, its connection included", f"{found.watcher_bytes / 1024:.1f} KiB"],
        ["memory of an idle connection", f"{found.idle_bytes / 1024:.1f} KiB"],
    ]
    yield Table("Watchers and connections", ("what", "figure"), rows)


def _requests(found: Http) -> Table:
    rows = [
        [
            op,
            name,
            f"{load.per_second:,.0f}",
            ratio(load.per_second, loads[STARLETTE].per_second),
            figure(load.p99_ms),
            figure(load.cpu_us),
            str(load.failed),
        ]
        for op, loads in found.load.items()
        for name, load in loads.items()
    ]
    head = ("request", "subject", "requests/s", f"x {STARLETTE}", "p99 ms", "CPU us", "failed")
    about = (
        f"wrk, {CONNECTIONS} connections, one worker each, all on granian in the same run."
        " CPU: what a request costs the server's processes, without that of Valkey."
    )
    return Table("Over HTTP", head, rows, names=2, about=about)
