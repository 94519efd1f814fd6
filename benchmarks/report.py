"""Turn the results of a run into tables."""

from collections.abc import Iterator

from benchmarks.budgets import judge
from benchmarks.remote.tables import tables as remote_tables
from benchmarks.results import QUIET, Curve, Results
from benchmarks.served.tables import tables as served_tables
from benchmarks.sql.tables import tables as sql_tables
from benchmarks.subjects import NAMES, RAW, TK_MEMORY, TK_SQLITE
from benchmarks.subjects.base import OPS, TITLES, Op
from benchmarks.tables import NOTHING, Style, Table, figure, ratio, render
from benchmarks.workload import CALLERS, MESSAGE_BYTES

_STORES = (TK_SQLITE, TK_MEMORY)


def report(results: Results, style: Style) -> str:
    """Return the whole report."""
    parts = [_heading(results, style), *(render(table, style) for table in _tables(results))]
    return "\n".join(parts)


def summary(results: Results, style: Style) -> str:
    """Return the budgets alone."""
    return "\n".join([_heading(results, style), render(_budgets(results), style)])


def _tables(results: Results) -> Iterator[Table]:
    makers = (_budgets, _calls, _peers, _messages, _threads, _sizes, _imports, _subjects)
    for make in makers:
        table = make(results)
        if table.rows:
            yield table
        if make is _peers and results.servers:
            yield from remote_tables(results.servers)
        if make is _peers and results.http is not None:
            yield from served_tables(results.http)
        if make is _peers and results.databases:
            yield from (table for table in sql_tables(results.databases) if table.rows)


def _heading(results: Results, style: Style) -> str:
    machine = results.machine
    versions = ", ".join(f"{name} {of}" for name, of in results.packages.items())
    where = f"{machine.cores} cores, {machine.python}, SQLite {machine.sqlite}, {machine.system}"
    if machine.load > QUIET:
        where += f", busy with other programs (load {machine.load:.1f} at the start)"
    lines = [
        f"Measured {results.date} by `{results.command}`: {where}; {_fdatasync(results)}.",
        f"Versions: {versions}.",
        *(f"Left out: {name} ({why})." for name, why in results.absent.items()),
    ]
    return ("\n\n" if style == "markdown" else "\n").join(lines) + "\n"


def _fdatasync(results: Results) -> str:
    disk = results.fdatasync_us
    if disk is None:
        return "fdatasync of the disk not measured"
    p50, p99 = disk.p50 / 1000, disk.p99 / 1000
    return f"fdatasync of the disk {p50:.2f} ms (p99 {p99:.2f}, {disk.samples} samples)"


def _calls(results: Results) -> Table:
    head = (
        "operation", "subject", "p50 us", "p99 us", "x raw",
        f"calls/s, {CALLERS} callers", "x raw", "min/max", "lag p99 ms",
    )  # fmt: skip
    rows = [
        _call_row(results, op, name)
        for op in OPS
        for name in NAMES
        if name in results.latency.get(op, {})
    ]
    idle = figure(results.idle_lag_p99_ms)
    about = (
        f"Messages of {MESSAGE_BYTES} bytes. p50, p99: one caller. min/max: calls of the least "
        "served caller over those of the best; 0.00 is a call that never lets the loop go. "
        f"lag: how late the loop wakes a timer (idle: {idle} ms); {_fdatasync(results)}."
    )
    return Table("Calls", head, rows, names=2, about=about)


def _call_row(results: Results, op: Op, name: str) -> list[str]:
    one, many = results.latency[op], results.rate.get(op, {})
    raw_one, raw_many = one.get(RAW), many.get(RAW)
    row = [
        TITLES[op],
        name,
        figure(one[name].p50),
        figure(one[name].p99),
        ratio(one[name].p50, raw_one and raw_one.p50),
    ]
    rate = many.get(name)
    if rate is None:
        return [*row, *[NOTHING] * 4]
    times = ratio(rate.per_second, raw_many and raw_many.per_second)
    return [*row, f"{rate.per_second:,.0f}", times, f"{rate.spread:.2f}", figure(rate.lag_p99_ms)]


def _peers(results: Results) -> Table:
    """Direct ratios: threadkeep's asynchronous stores against each peer."""
    peers = [name for name in NAMES if name != RAW and not name.startswith("threadkeep")]
    rows = [
        [peer, TITLES[op], ours, *_against(results, op, ours, peer)]
        for peer in peers
        for op in OPS
        for ours in _STORES
        if peer in results.latency.get(op, {})
        and ours in results.latency[op]
        and (results.subjects[peer].durability == "none") == (ours == TK_MEMORY)
    ]
    head = ("peer", "operation", "threadkeep", "as fast, 1 caller", f"rate, {CALLERS} callers")
    about = (
        "More than 1x: threadkeep is faster. Memory is held against memory, files against files."
    )
    return Table("threadkeep against its peers", head, rows, names=3, about=about)


def _against(results: Results, op: str, ours: str, peer: str) -> list[str]:
    one, many = results.latency[op], results.rate.get(op, {})
    fast = ratio(one[peer].p50, one[ours].p50)
    if peer not in many or ours not in many:
        return [fast, NOTHING]
    return [fast, ratio(many[ours].per_second, many[peer].per_second)]


def _growth_rows(found: dict[str, dict[str, Curve]], sizes: list[int]) -> list[list[str]]:
    return [
        [
            TITLES[op],
            name,
            *(figure(curves[op].get(size)) for size in sizes),
            ratio(curves[op][max(curves[op])], curves[op][min(curves[op])]),
        ]
        for op in TITLES
        for name, curves in found.items()
        if op in curves
    ]


def _growth(title: str, about: str, found: dict[str, dict[str, Curve]]) -> Table:
    sizes = sorted(
        {size for curves in found.values() for curve in curves.values() for size in curve}
    )
    head = ("operation", "subject", *(f"{size:,}" for size in sizes), "last/first")
    return Table(title, head, _growth_rows(found, sizes), names=2, about=about)


def _messages(results: Results) -> Table:
    about = "p50 in us, one caller, on threads with that many messages."
    return _growth("Growth with the length of the history", about, results.messages)


def _threads(results: Results) -> Table:
    about = "p50 in us, one caller, on 100 threads of a store with that many, 4 fields each."
    return _growth("Growth with the number of threads", about, results.threads)


def _sizes(results: Results) -> Table:
    cases = list(dict.fromkeys(case for sizes in results.size.values() for case in sizes))
    rows = [
        [name, *(figure(sizes.get(case)) for case in cases)] for name, sizes in results.size.items()
    ]
    about = "Files after a checkpoint, less an empty store."
    return Table("Bytes on disk for one thread", ("subject", *cases), rows, about=about)


def _imports(results: Results) -> Table:
    rows = [
        [f"`{statement}`", figure(found.above_ms), str(len(found.foreign))]
        for statement, found in results.imports.items()
    ]
    head = ("statement", "ms above a bare interpreter", "further packages")
    return Table("Import", head, rows)


def _subjects(results: Results) -> Table:
    rows = [
        [name, found.durability, "tasks" if found.asynchronous else "threads", found.note]
        for name, found in results.subjects.items()
    ]
    return Table("Subjects", ("subject", "durability", "callers are", "how"), rows, names=4)


def _budgets(results: Results) -> Table:
    rows = [[line.budget, line.limit, line.figure, line.verdict] for line in judge(results)]
    return Table("Budgets", ("budget", "limit", "figure", "verdict"), rows, names=4)
