"""The systems under test on MariaDB."""

import json
from typing import Any, Final, cast

from benchmarks.sql.subjects import APP, POOL, Adk, Calls, OnServer, OpenAi, Threadkeep, of
from benchmarks.workload import (
    FIELD_NAMES,
    LAST,
    field_value,
    field_values,
    history,
    pair,
    thread_id,
)

RAW: Final = "raw asyncmy, pool of 8"
_MULTI_STATEMENTS = 1 << 16


class RawMariadb(OnServer):
    """What a program writes that does it by itself: tables made for the work, as little as does it."""

    name = RAW
    note = "get and set: one statement; append and turn: a transaction in one packet"
    _TABLES = """
        create table field (thread varchar(100), name varchar(100), value text, expires datetime(6),
            primary key (thread, name));
        create table thread (thread varchar(100) primary key, head bigint not null, n bigint not null);
        create table message (thread varchar(100), seq bigint, body text, primary key (thread, seq))
    """
    _GET = "select value from field where thread = %s and name = %s and expires > now(6)"
    _SET = (
        "insert into field values (%s, %s, %s, now(6) + interval 1800 second)"
        " on duplicate key update value = values(value), expires = values(expires)"
    )
    _APPEND = (
        "insert into thread values (%s, 2, 0) on duplicate key update head = head + 2;"
        "insert into message select t.thread, t.head - 2 + b.n, b.body from thread t,"
        " (select 1 n, %s body union all select 2, %s) b where t.thread = %s"
    )
    _COUNT = "update thread set n = n + 1 where thread = %s"

    async def setup(self) -> None:
        self.pool: Any = await of("asyncmy", "create_pool")(
            host="127.0.0.1", port=self.database.port, user="root", db=self.database.name,
            autocommit=True, charset="utf8mb4", client_flag=_MULTI_STATEMENTS,
            minsize=POOL, maxsize=POOL,
        )  # fmt: skip
        await self._do(self._TABLES)
        calls: Calls = {
            "get": lambda t: self._rows(self._GET, (thread_id(t), FIELD_NAMES[0])),
            "set": lambda t: self._do(self._SET, (thread_id(t), FIELD_NAMES[1], self._value())),
            "append": self._append,
            "last": lambda t: self._rows(
                "select body from message where thread = %s order by seq desc limit %s",
                (thread_id(t), LAST),
            ),
            "all": lambda t: self._rows(
                "select name, value from field where thread = %s and expires > now(6)",
                (thread_id(t),),
            ),
            "turn": self._turn,
        }
        self.calls = calls

    def _value(self) -> str:
        return field_value(next(self.numbers))

    def _pair(self, key: str) -> tuple[str, ...]:
        return (key, *(json.dumps(message) for message in pair(next(self.numbers))), key)

    async def _do(self, statements: str, args: tuple[object, ...] = ()) -> None:
        async with self.pool.acquire() as con, con.cursor() as cursor:
            await cursor.execute(statements, args)
            while await cursor.nextset():
                pass

    async def _rows(self, statement: str, args: tuple[object, ...]) -> list[Any]:
        async with self.pool.acquire() as con, con.cursor() as cursor:
            await cursor.execute(statement, args)
            return cast("list[Any]", await cursor.fetchall())

    async def _append(self, thread: int) -> None:
        await self._do(f"begin;{self._APPEND};commit", self._pair(thread_id(thread)))

    async def _turn(self, thread: int) -> None:
        key = thread_id(thread)
        sets = [arg for name in FIELD_NAMES[1:4] for arg in (key, name, self._value())]
        statements = ["begin", self._APPEND, *[self._SET] * 3, self._COUNT, "commit"]
        await self._do(";".join(statements), (*self._pair(key), *sets, key))

    async def fill_one(self, number: int, fields: int, messages: int) -> None:
        key = thread_id(number)
        async with self.pool.acquire() as con, con.cursor() as cursor:
            await con.begin()
            for name, value in field_values(fields).items():
                await cursor.execute(self._SET, (key, name, value))
            if messages:
                await cursor.execute("insert into thread values (%s, %s, 0)", (key, messages))
                bodies = [(key, n, json.dumps(m)) for n, m in enumerate(history(messages), 1)]
                await cursor.executemany("insert into message values (%s, %s, %s)", bodies)
            await con.commit()

    async def close(self) -> None:
        self.pool.close()
        await self.pool.wait_closed()


class ThreadkeepMariadb(Threadkeep):
    """`AsyncStore` as it comes."""

    scheme = "mariadb"


class OpenAiMariadb(OpenAi):
    """The session of the OpenAI Agents SDK by asyncmy, with tables made by hand: its own have names of no length."""

    dialect = "mysql+asyncmy"
    _TABLES = (
        """create table agent_sessions (session_id varchar(191) primary key,
            created_at timestamp not null default current_timestamp,
            updated_at timestamp not null default current_timestamp)""",
        """create table agent_messages (id integer auto_increment primary key,
            session_id varchar(191) not null, message_data text not null,
            created_at timestamp not null default current_timestamp,
            key (session_id, created_at),
            foreign key (session_id) references agent_sessions (session_id) on delete cascade)""",
    )

    async def setup(self) -> None:
        url = f"{self.dialect}://{self.database.place}"
        engine = of("sqlalchemy.ext.asyncio", "create_async_engine")(url)
        async with engine.begin() as con:
            for statement in self._TABLES:
                await con.exec_driver_sql(statement)
        await engine.dispose()
        await super().setup()


class AdkMariadb(Adk):
    """The session service of Google's ADK by asyncmy; the first sessions of an application cannot be made at once."""

    dialect = "mysql+asyncmy"

    async def setup(self) -> None:
        await super().setup()
        first = {"app_name": APP, "user_id": "user", "session_id": "first"}
        await self.service.create_session(**first)
        await self.service.delete_session(**first)
