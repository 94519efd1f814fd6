"""The budgets of the design for SQL servers."""

from collections.abc import Iterator
from typing import Final

from benchmarks.remote.budgets import Judged
from benchmarks.results import Curve, Stored
from benchmarks.sql.subjects import TK
from benchmarks.sql.systems import SYSTEMS
from benchmarks.subjects.base import TITLES, Op

ONE: Final = 1.5
MANY: Final = 2.5
SPREAD: Final = 0.8
FLAT: Final = 1.2
_HELD: Final[tuple[Op, ...]] = ("get", "set", "append", "turn")
_YARDSTICKS: Final = [system.kinds[0].name for system in SYSTEMS.values()]


def judged(title: str, found: Stored) -> Iterator[Judged]:
    """Yield each budget whose figures are there; the raw driver does the same work in the same run."""
    for op in _HELD:
        one, many = found.latency.get(op, {}), found.rate.get(op, {})
        for raw in [name for name in _YARDSTICKS if name in one and TK in one]:
            ours, theirs = one[TK].p50, one[raw].p50
            figure = f"{ours / theirs:.2f}x ({ours:.0f} us / {theirs:.0f} us)"
            budget = f"{title}: {TITLES[op]}, 1 caller, against the raw driver"
            yield budget, f"<= {ONE:g}x", figure, ours <= ONE * theirs
        for raw in [name for name in _YARDSTICKS if name in many and TK in many]:
            rate, base = many[TK].per_second, many[raw].per_second
            if not base:  # a smoke test on a busy machine
                continue
            figure = f"{rate / base:.2f}x ({rate:,.0f}/s, {base:,.0f}/s)"
            budget = f"{title}: {TITLES[op]}, 64 callers, against a pool of the raw driver"
            yield budget, f">= {MANY:g}x the rate", figure, rate >= MANY * base
    yield from _fairness(title, found)
    for unit, curves in (("threads", found.threads), ("messages", found.messages)):
        yield from _growth(title, unit, curves)


def _fairness(title: str, found: Stored) -> Iterator[Judged]:
    rates = {op: rates[TK] for op, rates in found.rate.items() if TK in rates}
    if rates:
        op, worst = min(rates.items(), key=lambda item: item[1].spread)
        figure = f"{worst.spread:.2f} ({op}: {worst.least:,}..{worst.most:,} calls)"
        budget = f"{title}: least served of 64 callers / best served"
        yield budget, f">= {SPREAD:g}", figure, worst.spread >= SPREAD


def _growth(title: str, unit: str, curves: dict[str, dict[str, Curve]]) -> Iterator[Judged]:
    raw = next((curves[name]["get"] for name in _YARDSTICKS if name in curves), {})
    for op, curve in curves.get(TK, {}).items():
        first, last = min(curve), max(curve)
        if first == last or not raw.get(first) or not raw.get(last):
            continue
        # against the raw driver at the same moment, for the machine's own pace changes meanwhile
        ratio = (curve[last] / raw[last]) / (curve[first] / raw[first])
        figure = f"{ratio:.2f}x ({curve[first]:.0f} us, {curve[last]:.0f} us)"
        budget = f"{title}: {TITLES[op]}, {first:,} to {last:,} {unit}, against a raw get"  # type: ignore[index] # pyright: ignore[reportArgumentType]
        yield budget, f"<= {FLAT:g}x", figure, ratio <= FLAT
