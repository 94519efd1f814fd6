"""Hold the figures of a run against the budgets of the design."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from benchmarks.importing import THREADKEEP
from benchmarks.remote.budgets import judged
from benchmarks.results import Curve, Rate, Results
from benchmarks.sql.budgets import judged as sql_judged
from benchmarks.subjects import OPENAI, RAW, TK_MEMORY, TK_SQLITE
from benchmarks.subjects.base import TITLES, Op

Verdict = Literal["PASS", "MISS", "-"]

GET_RATIO: Final = 4.0
SETS: Final = 20_000
APPENDS: Final = 10_000
CHEAP_SYNC_US: Final = 300.0
SPREAD: Final = 0.8
LAG_MS: Final = 5.0
PEER_ONE: Final = 1.0
PEER_MANY: Final = 4.0
FLAT: Final = 1.2
HOT: Final = 1.5
IMPORT_MS: Final = 80.0


@dataclass(frozen=True)
class Line:
    """One budget: what it is, the limit, the figure, the verdict."""

    budget: str
    limit: str
    figure: str
    verdict: Verdict


def judge(results: Results) -> list[Line]:
    """Evaluate every budget whose figures this run has; the others are left out."""
    parts: Sequence[Callable[[Results], Iterator[Line]]] = (
        _reading,
        _rates,
        _fairness,
        _peer,
        _messages,
        _threads,
        _servers,
        _databases,
        _importing,
    )
    return [line for part in parts for line in part(results)]


def _line(budget: str, limit: str, figure: str, *, good: bool) -> Line:
    return Line(budget, limit, figure, "PASS" if good else "MISS")


def _reading(results: Results) -> Iterator[Line]:
    found = results.latency.get("get", {})
    if TK_SQLITE in found and RAW in found:
        ours, raw = found[TK_SQLITE].p50, found[RAW].p50
        figure = f"{ours / raw:.2f}x ({ours:.1f} us / {raw:.1f} us)"
        yield _line(
            "sqlite: state.get p50 against a raw select",
            f"<= {GET_RATIO:g}x",
            figure,
            good=ours <= GET_RATIO * raw,
        )


def _rates(results: Results) -> Iterator[Line]:
    disk = results.fdatasync_us
    for op, least, call in (("set", SETS, "state.set"), ("append", APPENDS, "messages.append")):
        rate = results.rate.get(op, {}).get(TK_SQLITE)
        if rate is None or disk is None:
            continue
        figure = f"{rate.per_second:,.0f}/s (fdatasync {disk.p50 / 1000:.2f} ms)"
        verdict: Verdict = "PASS" if rate.per_second >= least else "MISS"
        if verdict == "MISS" and disk.p50 > CHEAP_SYNC_US:
            verdict = "-"
        limit = f">= {least:,}/s where fdatasync <= 0.3 ms"
        yield Line(f"sqlite: {call} at 64 callers", limit, figure, verdict)


def _sqlite_rates(results: Results) -> dict[str, Rate]:
    return {op: rates[TK_SQLITE] for op, rates in results.rate.items() if TK_SQLITE in rates}


def _fairness(results: Results) -> Iterator[Line]:
    rates = _sqlite_rates(results)
    for kind, ops in (("writes", ("set", "append")), ("reads", ("get", "last", "all"))):
        among = {op: rates[op] for op in ops if op in rates}
        if among:
            yield from _served(kind, among, results.idle_lag_p99_ms or 0.0)


def _served(kind: str, rates: dict[str, Rate], idle: float) -> Iterator[Line]:
    op, worst = min(rates.items(), key=lambda item: item[1].spread)
    figure = f"{worst.spread:.2f} ({op}: {worst.least:,}..{worst.most:,} calls)"
    yield _line(
        f"sqlite: {kind}, least served of 64 callers / best served",
        f">= {SPREAD:g}",
        figure,
        good=worst.spread >= SPREAD,
    )
    lags = {op: rate.lag_p99_ms for op, rate in rates.items() if rate.lag_p99_ms is not None}
    late = max(lags, key=lambda name: lags[name])
    figure = f"{lags[late]:.1f} ms ({late}; an idle loop {idle:.1f} ms)"
    yield _line(
        f"sqlite: {kind}, loop lag p99 at 64 callers",
        f"<= {LAG_MS:g} ms",
        figure,
        good=lags[late] <= LAG_MS,
    )


def _peer(results: Results) -> Iterator[Line]:
    one, many = results.latency.get("append", {}), results.rate.get("append", {})
    if TK_SQLITE in one and OPENAI in one:
        ours, theirs = one[TK_SQLITE].p50, one[OPENAI].p50
        yield _line(
            "sqlite: durable append against SQLiteSession, 1 caller",
            f">= {PEER_ONE:g}x as fast",
            f"{theirs / ours:.2f}x ({ours:.0f} us, {theirs:.0f} us)",
            good=theirs / ours >= PEER_ONE,
        )
    if TK_SQLITE in many and OPENAI in many:
        ours, theirs = many[TK_SQLITE].per_second, many[OPENAI].per_second
        yield _line(
            "sqlite: durable append against SQLiteSession, 64 callers",
            f">= {PEER_MANY:g}x the rate",
            f"{ours / theirs:.1f}x ({ours:,.0f}/s, {theirs:,.0f}/s)",
            good=ours / theirs >= PEER_MANY,
        )


def _growth(name: str, curve: Curve, unit: str, most: float) -> Line:
    """Compare the worst size with the smallest one."""
    first = min(curve)
    worst = max(curve, key=lambda size: curve[size])
    ratio = curve[worst] / curve[first]
    figure = (
        f"{ratio:.2f}x ({curve[first]:.1f} us at {first:,}, {curve[worst]:.1f} us at {worst:,})"
    )
    budget = f"{name}, {first:,} to {max(curve):,} {unit}"
    return _line(budget, f"<= {most:g}x", figure, good=ratio <= most)


def _messages(results: Results) -> Iterator[Line]:
    ops: tuple[Op, ...] = ("append", "get", "all", "last")
    for subject, short in ((TK_SQLITE, "sqlite"), (TK_MEMORY, "memory")):
        curves = results.messages.get(subject, {})
        for op in ops:
            if op in curves:
                yield _growth(f"{short}: {TITLES[op]}", curves[op], "messages", FLAT)


def _threads(results: Results) -> Iterator[Line]:
    curves = results.threads.get(TK_SQLITE, {})
    ops: tuple[Op, ...] = ("append", "get", "all", "set")
    for op in ops:
        if op in curves:
            yield _growth(f"sqlite: {TITLES[op]}, 100 hot", curves[op], "threads", HOT)
    if "page" in curves:
        yield _growth(f"sqlite: {TITLES['page']}", curves["page"], "threads", FLAT)


def _servers(results: Results) -> Iterator[Line]:
    for title, found in results.servers.items():
        for budget, limit, figure, good in judged(title, found):
            yield _line(budget, limit, figure, good=good)


def _databases(results: Results) -> Iterator[Line]:
    for title, found in results.databases.items():
        for budget, limit, figure, good in sql_judged(title, found):
            yield _line(budget, limit, figure, good=good)


def _importing(results: Results) -> Iterator[Line]:
    found = results.imports.get(THREADKEEP)
    if found is None:
        return
    figure = f"{found.above_ms:.0f} ms"
    good = found.above_ms <= IMPORT_MS
    limit = f"<= {IMPORT_MS:g} ms"
    yield _line("import threadkeep above a bare interpreter", limit, figure, good=good)
    names = ", ".join(found.foreign) or "none"
    clean = not found.foreign
    yield _line("import threadkeep: optional packages loaded", "none", names, good=clean)
