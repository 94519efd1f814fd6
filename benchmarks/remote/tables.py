"""The tables of the part on Valkey and Redis."""

from collections.abc import Iterator

from benchmarks.remote.subjects import ALL, RAW
from benchmarks.results import Served
from benchmarks.subjects.base import TITLES
from benchmarks.tables import NOTHING, Table, figure, ratio
from benchmarks.workload import CALLERS


def tables(servers: dict[str, Served]) -> Iterator[Table]:
    """Yield the tables of all servers."""
    yield _calls(servers)
    yield _growth(servers)
    yield _memory(servers)


def _calls(servers: dict[str, Served]) -> Table:
    rows = [
        _row(title, op, name, found)
        for title, found in servers.items()
        for op in found.latency
        for name in [kind.name for kind in ALL]
        if name in found.latency[op]
    ]
    head = (
        "server", "operation", "subject", "p50 us", "p99 us", "x raw GET",
        f"calls/s, {CALLERS} callers", "x raw GET", "ms with 1 ms each way",
    )  # fmt: skip
    notes = "; ".join(f"{kind.name}: {kind.note}" for kind in ALL if kind.note)
    about = f"The raw client is the asyncio one of redis-py. {notes}."
    return Table("Valkey and Redis", head, rows, names=3, about=about)


def _row(title: str, op: str, name: str, found: Served) -> list[str]:
    one, many = found.latency[op][name], found.rate.get(op, {}).get(name)
    raw_one = found.latency.get("get", {}).get(RAW)
    raw_many = found.rate.get("get", {}).get(RAW)
    rates = [NOTHING, NOTHING]
    if many is not None:
        times = ratio(many.per_second, raw_many and raw_many.per_second)
        rates = [f"{many.per_second:,.0f}", times]
    return [
        title,
        TITLES[op],  # type: ignore[index] # pyright: ignore[reportArgumentType]
        name,
        figure(one.p50),
        figure(one.p99),
        ratio(one.p50, raw_one and raw_one.p50),
        *rates,
        figure(found.far.get(op, {}).get(name)),
    ]


def _growth(servers: dict[str, Served]) -> Table:
    sizes = sorted(
        {s for f in servers.values() for c in f.growth.values() for d in c.values() for s in d}
    )
    rows = [
        [title, TITLES[op], name, *(figure(curve.get(size)) for size in sizes)]  # type: ignore[index] # pyright: ignore[reportArgumentType]
        for title, found in servers.items()
        for name, curves in found.growth.items()
        for op, curve in curves.items()
    ]
    head = ("server", "operation", "subject", *(f"{size:,}" for size in sizes))
    about = "p50 in us, one caller, with that many keys of others on the server."
    return Table("Growth with unrelated keys", head, rows, names=3, about=about)


def _memory(servers: dict[str, Served]) -> Table:
    rows = [
        [title, name, figure(size)]
        for title, found in servers.items()
        for name, size in found.memory.items()
    ]
    about = "20 short fields each, by the growth of used_memory."
    return Table(
        "Server memory of one thread", ("server", "subject", "bytes"), rows, names=2, about=about
    )
