"""The budgets of the design for Valkey and Redis."""

from collections.abc import Iterator
from typing import Final

from benchmarks.remote.subjects import BETTERDB, RAW, TK
from benchmarks.results import Served
from benchmarks.subjects.base import TITLES, Op

GET_P50: Final = 1.35
RATES: Final[dict[Op, float]] = {"get": 2.5, "set": 2.0, "all": 1.2, "append": 1.2}
PEER_ONE: Final[dict[Op, float]] = {"get": 2.5, "all": 8.0}
PEER_MANY: Final[dict[Op, float]] = {"get": 6.0}
MEMORY: Final = 0.45
FLAT: Final = 1.2

Judged = tuple[str, str, str, bool]  # budget, limit, figure, whether it is kept


def judged(title: str, found: Served) -> Iterator[Judged]:
    """Yield each budget whose figures are there. All ratios are to the raw client's GET."""
    raw = found.latency.get("get", {}).get(RAW)
    ours = found.latency.get("get", {}).get(TK)
    if raw and ours:
        figure = f"{ours.p50 / raw.p50:.2f}x ({ours.p50:.0f} us / {raw.p50:.0f} us)"
        limit = f"<= {GET_P50:g}x"
        yield (
            f"{title}: state.get p50 against a raw GET",
            limit,
            figure,
            ours.p50 <= GET_P50 * raw.p50,
        )
    yield from _rates(title, found)
    yield from _peer(title, found)
    yield from _memory(title, found)
    yield from _growth(title, found)


def _rates(title: str, found: Served) -> Iterator[Judged]:
    base = found.rate.get("get", {}).get(RAW)
    for op, least in RATES.items():
        rate = found.rate.get(op, {}).get(TK)
        if base and rate:
            ratio = rate.per_second / base.per_second
            figure = f"{ratio:.2f}x ({rate.per_second:,.0f}/s, {base.per_second:,.0f}/s)"
            budget = f"{title}: {TITLES[op]} at 64 callers against raw GETs"
            yield budget, f">= {least:g}x the rate", figure, ratio >= least


def _peer(title: str, found: Served) -> Iterator[Judged]:
    for op, least in PEER_ONE.items():
        ours, theirs = (found.latency.get(op, {}).get(name) for name in (TK, BETTERDB))
        if ours and theirs:
            ratio = theirs.p50 / ours.p50
            figure = f"{ratio:.1f}x ({ours.p50:.0f} us, {theirs.p50:.0f} us)"
            budget = f"{title}: {TITLES[op]} against {BETTERDB}, 1 caller"
            yield budget, f">= {least:g}x as fast", figure, ratio >= least
    for op, least in PEER_MANY.items():
        many = [found.rate.get(op, {}).get(name) for name in (TK, BETTERDB)]
        if many[0] and many[1]:
            ratio = many[0].per_second / many[1].per_second
            figure = f"{ratio:.1f}x ({many[0].per_second:,.0f}/s, {many[1].per_second:,.0f}/s)"
            budget = f"{title}: {TITLES[op]} against {BETTERDB}, 64 callers"
            yield budget, f">= {least:g}x the rate", figure, ratio >= least


def _memory(title: str, found: Served) -> Iterator[Judged]:
    ours, theirs = found.memory.get(TK), found.memory.get(BETTERDB)
    if ours and theirs:
        figure = f"{ours / theirs:.0%} ({ours:,.0f} of {theirs:,.0f} bytes)"
        budget = f"{title}: memory of a thread of 20 short fields against a key a field"
        yield budget, f"<= {MEMORY:.0%}", figure, ours <= MEMORY * theirs


def _growth(title: str, found: Served) -> Iterator[Judged]:
    for op, curve in found.growth.get(TK, {}).items():
        base = found.growth.get(RAW, {}).get("get", {})
        first, last = min(curve), max(curve)
        if first == last or not base.get(first) or not base.get(last):
            continue
        # against the raw client at the same moment, for the machine's own pace changes meanwhile
        ratio = (curve[last] / base[last]) / (curve[first] / base[first])
        figure = f"{ratio:.2f}x ({curve[first]:.0f} us, {curve[last]:.0f} us)"
        budget = f"{title}: {TITLES[op]}, to {last:,} unrelated keys, against a raw GET"  # type: ignore[index] # pyright: ignore[reportArgumentType]
        yield budget, f"<= {FLAT:g}x", figure, ratio <= FLAT
