"""`threadkeep doctor`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from threadkeep.cli.durations import spell
from threadkeep.cli.inspecting import inspection, micros, migrated
from threadkeep.cli.opening import HERE, Where, open_store
from threadkeep.cli.telling import count, put_json, put_table
from threadkeep.errors import SchemaMismatch, ThreadkeepError
from threadkeep.model.leases import SECOND
from threadkeep.model.urls import mask
from threadkeep.ops.engine import Capabilities

if TYPE_CHECKING:
    from threadkeep.engines.sql.migrate import Schema
    from threadkeep.engines.sql.sqlite.inspect import Inspection

MB: Final = 1_000_000
SKEW_WARN, SKEW_FAIL = 1.0, 60.0  # seconds
LAG_WARN: Final = 120.0  # seconds: four rounds of a sweeper with its usual 30
WAL_WARN: Final = 64 * MB
FREE_WARN, FREE_FAIL = 1_000 * MB, 100 * MB

Grade = Literal["ok", "warn", "fail"]


class Finding(NamedTuple):
    """What was looked at, how it is, and what to do about it ("" for nothing)."""

    name: str
    grade: Grade
    found: str
    do: str = ""


def doctor(*, where: Where = HERE) -> None:
    """Look a store over: engine, schema, durability, clock, sweeper, log size, disk. Changes nothing.

    Each finding is ok, warn or fail, with what to do; exit code 1 when one fails, and a line on stderr
    that names it.

    JSON: {"store", "findings": [{"name", "grade", "found", "do"}]}.
    """
    seen = inspection(where.url)
    findings = list(of_engine(where) if seen is None else of_file(seen, micros()))
    if where.json:
        data = [finding._asdict() for finding in findings]
        put_json({"store": mask(where.url), "findings": data})
    else:
        put_table(mask(where.url), ("", "what", "found", "what to do"), map(_row, findings))
    failed = [finding.name for finding in findings if finding.grade == "fail"]
    if failed:
        raise ThreadkeepError(f"not in order: {', '.join(failed)}")


def _row(finding: Finding) -> tuple[str, ...]:
    return finding.grade, finding.name, finding.found, finding.do


def of_engine(where: Where) -> Iterator[Finding]:
    """Yield what an engine without a file says of itself."""
    try:
        with migrated(where.url) as engine:
            schema = None if engine is None else engine.schema()
        if schema is not None and (schema.fault or schema.opening):
            yield _schema(schema)  # opening the store would change it, or fail
            return
        with open_store(where.url, where.space, "read", []) as store:
            can = store.capabilities()
    except SchemaMismatch as error:
        yield Finding("schema", "fail", str(error), "upgrade threadkeep")
        return
    except ThreadkeepError as error:
        yield Finding("engine", "fail", str(error), "check --store and that the server runs")
        return
    yield Finding("engine", "ok", f"{can.name} {can.version}".strip())
    if schema is not None:
        yield _schema(schema)
    elif can.schema is not None:
        yield Finding("schema", "ok", str(can.schema))
    yield durability(can)
    yield skew(can.skew, "the server's clock differs from this one")


def durability(can: Capabilities) -> Finding:
    """Say what survives of an acknowledged write."""
    if can.durability == "power-loss":
        return Finding("durability", "ok", "acknowledged writes survive power loss")
    what = "nothing outlives the process" if can.durability == "none" else f"only: {can.durability}"
    return Finding("durability", "warn", what, "do not keep here what must not be lost")


def of_file(seen: Inspection, now: int) -> Iterator[Finding]:
    """Yield what can be said of an SQLite file."""
    import sqlite3

    size = f"{seen.file_bytes / MB:.1f} MB, {count(seen.entities, 'entity', 'entities')}"
    yield Finding("engine", "ok", f"sqlite {sqlite3.sqlite_version}, {size}")
    yield _schema(seen.schema)
    yield _durability(seen)
    ahead = 0.0 if seen.newest_update is None else max(0, seen.newest_update - now) / SECOND
    yield skew(ahead, "the newest entry lies ahead of this clock")
    yield _sweeper(seen, now)
    yield _wal(seen)
    yield _disk(seen)
    if not seen.writable:
        yield Finding("access", "warn", "this user may only read it", "check owner and permissions")


def _schema(schema: Schema) -> Finding:
    found = f"{schema.number} of {schema.newest}"
    if schema.number > schema.newest:
        return Finding("schema", "fail", schema.fault or found, "upgrade threadkeep")
    if schema.fault is not None:
        do = "use the release that made the store, then export"
        return Finding("schema", "fail", schema.fault, do)
    if schema.opening:
        return Finding("schema", "warn", found, "run `threadkeep migrate apply`")
    if schema.pending:
        found = ", ".join([found, *(f"{m.file} waits" for m in schema.pending)])
        do = "run `threadkeep migrate apply --post` when every process runs this release"
        return Finding("schema", "warn", found, do)
    return Finding("schema", "ok", f"{schema.number}, up to date")


def _durability(seen: Inspection) -> Finding:
    if seen.journal != "wal" and seen.schema.applied:
        found = f"journal mode {seen.journal}: readers and writers block each other"
        return Finding("durability", "warn", found, "open it once for writing: that sets WAL")
    if seen.durability != "full":
        found = f"{seen.durability}: a power cut may take the last acknowledged writes"
        return Finding(
            "durability", "warn", found, "leave ?durability= out of the URL, or pass full"
        )
    return Finding("durability", "ok", "full, WAL: acknowledged writes survive power loss")


def skew(seconds: float, what: str) -> Finding:
    """Judge how far a clock is off."""
    if abs(seconds) < SKEW_WARN:
        return Finding("clock", "ok", "no skew")
    grade: Grade = "warn" if abs(seconds) < SKEW_FAIL else "fail"
    found = f"{what} by {spell(abs(seconds))}"
    return Finding("clock", grade, found, "run NTP on all hosts; nothing expires until it is past")


def _sweeper(seen: Inspection, now: int) -> Finding:
    lag = 0.0 if seen.oldest_due is None else max(0, now - seen.oldest_due) / SECOND
    if lag < LAG_WARN:
        return Finding("sweeper", "ok", "nothing waits" if lag == 0 else f"{spell(lag)} behind")
    do = "keep `async with store.sweeper()` in a process, or run `threadkeep sweep`"
    return Finding("sweeper", "warn", f"what ran out {spell(lag)} ago still waits", do)


def _wal(seen: Inspection) -> Finding:
    size = f"{seen.wal_bytes / MB:.1f} MB"
    if seen.wal_bytes < WAL_WARN:
        return Finding("log size", "ok", size)
    do = "end processes that hold a read open for long; it shrinks when the last one closes the store"
    return Finding("log size", "warn", size, do)


def _disk(seen: Inspection) -> Finding:
    share = seen.disk_free / max(1, seen.disk_total)
    found = f"{seen.disk_free / MB:,.0f} MB free ({share:.0%})"
    if seen.disk_free < FREE_FAIL:
        return Finding("disk", "fail", found, "make room: writes are refused when the disk is full")
    if seen.disk_free < FREE_WARN:
        return Finding("disk", "warn", found, "make room soon")
    return Finding("disk", "ok", found)
