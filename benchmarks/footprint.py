"""How many bytes one thread takes on disk."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from benchmarks.opened import opened, place
from benchmarks.run import Run
from benchmarks.subjects import KV_DISK_DEFAULT, LANGGRAPH, OPENAI, RAW, TK_SQLITE
from benchmarks.workload import FIELDS

OF = (RAW, TK_SQLITE, OPENAI, LANGGRAPH, KV_DISK_DEFAULT)
FIELDS_CASE = "20 short fields"
MESSAGES_CASE = "2 messages"


def measure(run: Run, names: Sequence[str]) -> dict[str, dict[str, float]]:
    """Fill each store with equal threads; the size of an empty store is taken off."""
    return {name: _of(run, name) for name in names}


def _of(run: Run, name: str) -> dict[str, float]:
    threads = run.scale.footprint_threads
    with opened(run.loop, [name], run.folder) as subjects:
        can = set(subjects[name].calls)
        empty = _bytes(place(run.folder, name))
    cases = {FIELDS_CASE: ("get", FIELDS, 0), MESSAGES_CASE: ("append", 0, 2)}
    found: dict[str, float] = {}
    for case, (op, fields, messages) in cases.items():
        if op in can:
            full = _filled(run, name, fields, messages)
            found[case] = (full - empty) / threads
    return found


def _filled(run: Run, name: str, fields: int, messages: int) -> int:
    with opened(run.loop, [name], run.folder) as subjects:
        threads = range(run.scale.footprint_threads)
        run.loop.settle(subjects[name].fill(threads, fields, messages))
        return _bytes(place(run.folder, name))


def _bytes(folder: Path) -> int:
    """Write the logs of all databases back into them and add up the files."""
    for database in folder.rglob("*.db"):
        connection = sqlite3.connect(database)
        busy, _, _ = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
        connection.close()
        if busy:
            raise RuntimeError(f"{database.name} could not be checkpointed: it is in use")
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
