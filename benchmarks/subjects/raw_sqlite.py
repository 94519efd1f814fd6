"""The standard library's sqlite3 without anything around it: the yardstick of all ratios."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from threading import Lock, local

from benchmarks.subjects import RAW
from benchmarks.subjects.base import Call, Op
from benchmarks.workload import (
    FIELD_NAMES,
    LAST,
    field_value,
    field_values,
    history,
    pair,
    thread_id,
)

_SCHEMA = """
pragma journal_mode = wal;
pragma synchronous = full;
create table if not exists field (
    thread text, name text, value text, primary key (thread, name)
) without rowid;
create table if not exists message (
    thread text, seq integer, value text, primary key (thread, seq)
);
"""
_GET = "select value from field where thread = ? and name = ?"
_SET = "insert or replace into field values (?, ?, ?)"
_ALL = "select name, value from field where thread = ?"
_LAST = "select value from message where thread = ? order by seq desc limit ?"
_APPEND = """
insert into message
select ?1, coalesce((select max(seq) from message where thread = ?1), 0) + 1, ?2
"""


class RawSqlite:
    """A connection for each reading caller, a locked one for writes, a transaction for each."""

    name = RAW
    durability = "WAL, FULL"
    note = "a reading connection for each caller, one for writing behind a lock; nothing is decoded"
    asynchronous = False

    def setup(self, folder: Path) -> None:
        self._path = folder / "raw.db"
        self._numbers = count()
        self._writing = Lock()
        self._ids: dict[int, str] = {}
        self._readers = local()
        self._opened: list[sqlite3.Connection] = []
        self._db = self._connect()
        self._db.executescript(_SCHEMA)

    def _connect(self) -> sqlite3.Connection:
        made = sqlite3.connect(self._path, check_same_thread=False, isolation_level=None)
        self._opened.append(made)
        return made

    def _reader(self) -> sqlite3.Connection:
        try:
            return self._readers.connection
        except AttributeError:
            self._readers.connection = made = self._connect()
            return made

    def fill(self, threads: Sequence[int], fields: int, messages: int) -> None:
        self._db.execute("begin")
        for number in threads:
            self._ids[number] = thread_id(number)
            self._fill_one(self._ids[number], fields, messages)
        self._db.execute("commit")

    def _fill_one(self, thread: str, field_count: int, messages: int) -> None:
        values = field_values(field_count).items()
        self._db.executemany(_SET, [(thread, name, json.dumps(value)) for name, value in values])
        rows = [(thread, json.dumps(message)) for message in history(messages)]
        self._db.executemany(_APPEND, rows)

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    @property
    def calls(self) -> Mapping[Op, Call]:
        return {
            "get": self._get,
            "set": self._set,
            "append": self._append,
            "last": self._last,
            "all": self._all,
        }

    def _get(self, thread: int) -> object:
        return self._reader().execute(_GET, (self._ids[thread], FIELD_NAMES[0])).fetchone()

    def _set(self, thread: int) -> object:
        value = json.dumps(field_value(next(self._numbers)))
        with self._writing:
            return self._db.execute(_SET, (self._ids[thread], FIELD_NAMES[1], value))

    def _append(self, thread: int) -> object:
        ident = self._ids[thread]
        rows = [(ident, json.dumps(message)) for message in pair(next(self._numbers))]
        with self._writing:
            self._db.execute("begin immediate")
            self._db.executemany(_APPEND, rows)
            return self._db.execute("commit")

    def _last(self, thread: int) -> object:
        return self._reader().execute(_LAST, (self._ids[thread], LAST)).fetchall()

    def _all(self, thread: int) -> object:
        return self._reader().execute(_ALL, (self._ids[thread],)).fetchall()
