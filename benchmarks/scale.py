"""How much a run measures: the full run, the quick one, and the smoke test of the harness."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Scale:
    """Rounds go over all subjects in turn (A B A B), so that drift hits all alike."""

    latency_rounds: int
    latency_slice: float
    """Seconds for one subject in one round, one caller."""
    latency_calls: int
    """Calls in a slice, where the seconds allow them."""
    rate_rounds: int
    rate_slice: float
    """Seconds for one subject in one round, 64 callers."""
    growth_rounds: int
    messages: tuple[int, ...]
    threads: tuple[int, ...]
    footprint_threads: int
    unrelated: tuple[int, ...]
    imports: int
    fdatasync: int
    http_rounds: int
    http_slice: float
    """Seconds of wrk on one subject in one round."""
    watchers: int
    idle: int
    """Connections that stay open."""
    stored: tuple[int, ...]
    """Threads in the store of an SQL server."""
    sessions: int
    events: int


FULL: Final = Scale(
    latency_rounds=60,
    latency_slice=0.025,
    latency_calls=100,
    rate_rounds=8,
    rate_slice=0.35,
    growth_rounds=25,
    messages=(10, 100, 1_000, 10_000, 100_000),
    threads=(100, 10_000, 100_000, 1_000_000),
    footprint_threads=2_000,
    unrelated=(0, 100_000, 1_000_000),
    imports=10,
    fdatasync=200,
    http_rounds=7,
    http_slice=3,
    watchers=1_000,
    idle=2_000,
    stored=(100, 10_000, 100_000),
    sessions=10_000,
    events=3_000,
)
VERY_MANY: Final = (100, 10_000, 100_000, 1_000_000)
QUICK: Final = Scale(
    latency_rounds=10,
    latency_slice=0.02,
    latency_calls=80,
    rate_rounds=2,
    rate_slice=0.2,
    growth_rounds=8,
    messages=(10, 100, 1_000, 10_000),
    threads=(100, 10_000, 100_000),
    footprint_threads=300,
    unrelated=(0, 100_000),
    imports=10,
    fdatasync=200,
    http_rounds=4,
    http_slice=1,
    watchers=1_000,
    idle=1_000,
    stored=(100, 10_000),
    sessions=10_000,
    events=3_000,
)
SMOKE: Final = Scale(
    latency_rounds=1,
    latency_slice=0.01,
    latency_calls=10,
    rate_rounds=1,
    rate_slice=0.02,
    growth_rounds=1,
    messages=(10, 40),
    threads=(60, 120),
    footprint_threads=5,
    unrelated=(0, 1_000),
    imports=1,
    fdatasync=10,
    http_rounds=1,
    http_slice=1,
    watchers=20,
    idle=20,
    stored=(100, 150),
    sessions=120,
    events=30,
)
