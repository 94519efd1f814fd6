"""The tables of the part on SQL servers."""

from collections.abc import Iterator

from benchmarks.results import Curve, Stored
from benchmarks.sql.systems import SYSTEMS
from benchmarks.subjects.base import TITLES
from benchmarks.tables import NOTHING, Table, figure, ratio
from benchmarks.workload import CALLERS, MESSAGE_BYTES

_KINDS = {kind.name: kind for system in SYSTEMS.values() for kind in system.kinds}
_YARDSTICKS = {system.kinds[0].name for system in SYSTEMS.values()}


def tables(databases: dict[str, Stored]) -> Iterator[Table]:
    """Yield the tables of all servers."""
    yield _calls(databases)
    yield _growth("threads in the store", {t: found.threads for t, found in databases.items()})
    yield _growth("messages in the thread", {t: found.messages for t, found in databases.items()})
    yield _long(databases)
    yield _disk(databases)


def _title(op: str) -> str:
    return TITLES[op]  # type: ignore[index] # pyright: ignore[reportArgumentType]


def _calls(databases: dict[str, Stored]) -> Table:
    rows = [
        _row(title, op, name, found)
        for title, found in databases.items()
        for op in found.latency
        for name in found.latency[op]
    ]
    head = (
        "server", "operation", "subject", "p50 us", "p99 us", "x raw",
        f"calls/s, {CALLERS} callers", "x raw", "min/max", "ms with 1 ms each way",
    )  # fmt: skip
    notes = "; ".join(f"{name}: {kind.note}" for name, kind in _KINDS.items() if kind.note)
    return Table("SQL servers", head, rows, names=3, about=f"With fsync. {notes}.")


def _row(title: str, op: str, name: str, found: Stored) -> list[str]:
    one, many = found.latency[op], found.rate.get(op, {})
    raw = next((each for each in one if each in _YARDSTICKS), None)
    base_one, base_many = (one.get(raw), many.get(raw)) if raw else (None, None)
    rates = [NOTHING] * 3
    if name in many:
        times = ratio(many[name].per_second, base_many and base_many.per_second)
        rates = [f"{many[name].per_second:,.0f}", times, f"{many[name].spread:.2f}"]
    first = [title, _title(op), name, figure(one[name].p50), figure(one[name].p99)]
    far = figure(found.far.get(op, {}).get(name))
    return [*first, ratio(one[name].p50, base_one and base_one.p50), *rates, far]


def _growth(unit: str, found: dict[str, dict[str, dict[str, Curve]]]) -> Table:
    sizes = sorted({s for f in found.values() for c in f.values() for d in c.values() for s in d})
    rows = [
        [title, _title(op), name, *(figure(curve.get(size)) for size in sizes)]
        for title, subjects in found.items()
        for name, curves in subjects.items()
        for op, curve in curves.items()
    ]
    head = ("server", "operation", "subject", *(f"{size:,}" for size in sizes))
    return Table(f"SQL servers: growth with the {unit}", head, rows, names=3, about="p50 in us.")


def _long(databases: dict[str, Stored]) -> Table:
    rows = [
        [title, _title(op), name, figure(taken)]
        for title, found in databases.items()
        for op, subjects in found.long.items()
        for name, taken in subjects.items()
    ]
    head = ("server", "operation", "subject", "p50 ms")
    return Table("SQL servers: long lists", head, rows, names=3)


def _disk(databases: dict[str, Stored]) -> Table:
    cases = sorted({c for f in databases.values() for s in f.disk.values() for c in s})
    rows = [
        [title, name, *(figure(sizes.get(case)) for case in cases)]
        for title, found in databases.items()
        for name, sizes in found.disk.items()
    ]
    about = (
        f"PostgreSQL after a vacuum; MariaDB by its statistics. Messages of {MESSAGE_BYTES} bytes."
    )
    head = ("server", "subject", *cases)
    return Table("SQL servers: bytes on disk", head, rows, names=2, about=about)
