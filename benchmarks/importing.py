"""How long an import takes, and what comes with it."""

import json
import subprocess
import sys
from statistics import median
from time import perf_counter

from benchmarks.results import Import

THREADKEEP = "import threadkeep"
OURS = (THREADKEEP, "from threadkeep import AsyncStore")
PEERS = (
    "from agents import SQLiteSession",
    "from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver",
    "from key_value.aio.stores.disk import DiskStore",
)
_BARE = "pass"
_CORE = "msgspec"
"""The one dependency; what it brings along by itself is no finding."""
_LOADED = """
import json, sys
{core}
before = set(sys.modules)
{statement}
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""


_PEERS_EVERY = 3
"""Peers take seconds to import: they are timed in every third round."""


def measure(times: int) -> dict[str, Import]:
    """Start interpreters in turn, bare and with one statement; a failing statement is left out."""
    loaded = {statement: _loaded(statement) for statement in (*OURS, *PEERS)}
    able = [statement for statement, names in loaded.items() if names is not None]
    taken: dict[str, list[float]] = {statement: [] for statement in [_BARE, *able]}
    for round_ in range(times):
        for statement, seconds in taken.items():
            if statement not in PEERS or round_ % _PEERS_EVERY == 0:
                seconds.append(_seconds(statement))
    bare = median(taken[_BARE])
    return {
        statement: Import((median(taken[statement]) - bare) * 1000, loaded[statement] or ())
        for statement in able
    }


def _seconds(statement: str) -> float:
    start = perf_counter()
    subprocess.run([sys.executable, "-c", statement], check=True, capture_output=True)
    return perf_counter() - start


def _loaded(statement: str) -> tuple[str, ...] | None:
    core = f"import {_CORE}" if statement in OURS else _BARE
    code = _LOADED.format(core=core, statement=statement)
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    if done.returncode:
        return None
    names: list[str] = json.loads(done.stdout)
    return tuple(name for name in names if name != THREADKEEP.rsplit(maxsplit=1)[-1])
