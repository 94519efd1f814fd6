"""What a run found: plain data, written as JSON and read by the tables and the budgets."""

from dataclasses import dataclass, field

from benchmarks.served.load import Load

QUIET = 0.7
"""Load above which other programs are certain to be in the figures."""
Curve = dict[int, float]
"""Size -> p50 in microseconds."""


@dataclass(frozen=True)
class Latency:
    """One caller, microseconds a call."""

    p50: float
    p99: float
    samples: int


@dataclass(frozen=True)
class Rate:
    """Many callers at once."""

    per_second: float
    least: int
    most: int
    lag_p99_ms: float | None
    """How late the event loop woke a timer; None where the callers are threads."""

    @property
    def spread(self) -> float:
        """Calls of the least served caller over those of the best served; 1.0 is equal."""
        return self.least / self.most if self.most else 0.0


@dataclass(frozen=True)
class Described:
    """A subject as it was opened."""

    durability: str
    note: str
    asynchronous: bool


@dataclass(frozen=True)
class Import:
    """Median milliseconds above a bare interpreter, and what came with it."""

    above_ms: float
    foreign: tuple[str, ...]
    """Top-level packages that came too, Python's own and threadkeep's core aside."""


@dataclass(frozen=True)
class Machine:
    """Where it ran, without naming it."""

    cores: int
    python: str
    sqlite: str
    system: str
    load: float
    """Programs that ran when the run began; above a few tenths they are in the figures."""


@dataclass
class Served:
    """What was found on one server."""

    latency: dict[str, dict[str, Latency]] = field(default_factory=dict[str, dict[str, Latency]])
    rate: dict[str, dict[str, Rate]] = field(default_factory=dict[str, dict[str, Rate]])
    far: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """p50 in milliseconds over a network that takes one each way, by operation and subject."""
    growth: dict[str, dict[str, Curve]] = field(default_factory=dict[str, dict[str, Curve]])
    """By subject and operation: unrelated keys -> p50."""
    memory: dict[str, float] = field(default_factory=dict[str, float])
    """Bytes of one thread."""


@dataclass
class Http:
    """What was found of the server."""

    load: dict[str, dict[str, Load]] = field(default_factory=dict[str, dict[str, Load]])
    """By request and subject."""
    watchers: int = 0
    fan_out_ms: list[float] = field(default_factory=list[float])
    watcher_bytes: float = 0.0
    idle_bytes: float = 0.0


@dataclass
class Stored:
    """What was found on one SQL server; figures by operation and subject."""

    latency: dict[str, dict[str, Latency]] = field(default_factory=dict[str, dict[str, Latency]])
    rate: dict[str, dict[str, Rate]] = field(default_factory=dict[str, dict[str, Rate]])
    far: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """p50 in milliseconds over a network that takes one each way."""
    threads: dict[str, dict[str, Curve]] = field(default_factory=dict[str, dict[str, Curve]])
    """By subject and operation: threads in the store -> p50."""
    messages: dict[str, dict[str, Curve]] = field(default_factory=dict[str, dict[str, Curve]])
    """By subject and operation: length of the history -> p50."""
    long: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """p50 in milliseconds of a listing of many sessions, and of loading a long one."""
    disk: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    """By subject: what was stored -> bytes."""


@dataclass
class Results:
    """Everything one run measured; parts that did not run stay empty."""

    date: str
    command: str
    machine: Machine
    packages: dict[str, str] = field(default_factory=dict[str, str])
    fdatasync_us: Latency | None = None
    idle_lag_p99_ms: float | None = None
    absent: dict[str, str] = field(default_factory=dict[str, str])
    subjects: dict[str, Described] = field(default_factory=dict[str, Described])
    latency: dict[str, dict[str, Latency]] = field(default_factory=dict[str, dict[str, Latency]])
    rate: dict[str, dict[str, Rate]] = field(default_factory=dict[str, dict[str, Rate]])
    messages: dict[str, dict[str, Curve]] = field(default_factory=dict[str, dict[str, Curve]])
    threads: dict[str, dict[str, Curve]] = field(default_factory=dict[str, dict[str, Curve]])
    imports: dict[str, Import] = field(default_factory=dict[str, Import])
    size: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    http: Http | None = None
    servers: dict[str, Served] = field(default_factory=dict[str, Served])
    databases: dict[str, Stored] = field(default_factory=dict[str, Stored])
    seconds: dict[str, float] = field(default_factory=dict[str, float])


def percentile(values: list[int] | list[float], share: float) -> float:
    """Return the value below which that share of the values lies (nearest rank)."""
    ordered = sorted(values)
    return float(ordered[min(len(ordered) - 1, int(len(ordered) * share))])


def latency(nanoseconds: list[int]) -> Latency:
    """Summarise single calls."""
    micro = [value / 1000 for value in nanoseconds]
    return Latency(percentile(micro, 0.5), percentile(micro, 0.99), len(micro))
