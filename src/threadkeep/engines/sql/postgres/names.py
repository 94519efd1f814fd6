"""What the engine's tables and functions are called in a database."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final, LiteralString

import msgspec
from psycopg import sql

from threadkeep.errors import UsageError

RELEASE: Final = 1  # of the functions; those of two releases stand side by side
TABLES: Final = ("entity", "field", "log", "item", "label", "tombstone", "watch", "migration")
VIEWS: Final = ("threads", "fields", "items")
FUNCTIONS: Final = (
    *("above", "renewed", "float_text", "refuse", "increased"),
    *(
        "pick",
        "show",
        "walk",
        "read_log",
        "read_map",
        "record",
        "info",
        "empty",
        "answer",
        "renews",
    ),
    *("reply", "read", "read_all", "get_all"),
    *(
        "start_lease",
        "set_each",
        "refs_of",
        "set_fields",
        "delete_fields",
        "increment",
        "touch_fields",
        "renew_fields",
    ),
    *("append_one", "append", "cut", "restore", "write_log"),
    *("next_listed", "put_entity", "drop_entity", "entity_due", "reclaim", "tend", "claim"),
    *(
        "watched",
        "watch_all",
        "tell",
        "holds",
        "over",
        "settle",
        "remember",
        "create_entity",
        "makes",
    ),
    *("relabel", "write", "check_limits", "mark", "apply", "finish", "apply_all"),
    *("get_maps", "get_items", "append_plain", "apply_plain", "apply_group"),
    *(
        "alive",
        "listed",
        "rarest",
        "places",
        "moved_up",
        "newest",
        "by_id",
        "moment",
        "text",
        "json",
    ),
)
INDEXES: Final = (
    "entity_listed_idx",
    "entity_due_idx",
    "item_id_idx",
    "tombstone_until_idx",
)
_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]{0,29}")


class Names(msgspec.Struct, frozen=True):
    """A schema (None: where the connection's search path leads first) and a prefix."""

    schema: str | None = None
    prefix: str = "tk"

    def __post_init__(self) -> None:
        if not _PREFIX.fullmatch(self.prefix):
            raise UsageError(
                f"prefix {self.prefix!r} cannot be one of tables: 1 to 30 of a-z, 0-9 and _, no digit first"
            )
        if self.schema is not None and (
            "%" in self.schema or not 0 < len(self.schema.encode()) < 64
        ):
            raise UsageError("a schema's name has 1 to 63 bytes and no percent sign")

    @property
    def channel(self) -> str:
        """Return the channel on which changes are told; those of a database are shared by its schemas."""
        mark = sha256((self.schema or "").encode()).hexdigest()[:8]
        return f"{self.prefix}_changed_{mark}"

    @property
    def lock(self) -> str:
        """Return what an advisory lock on migrations is made of."""
        return f"threadkeep {self.schema}.{self.prefix}"

    def table(self, name: str) -> sql.Identifier:
        """Return a table, quoted."""
        return self._quoted(f"{self.prefix}_{name}")

    def _quoted(self, name: str) -> sql.Identifier:
        return sql.Identifier(name) if self.schema is None else sql.Identifier(self.schema, name)

    def compose(self, text: LiteralString, release: int = RELEASE) -> sql.Composed:
        """Return a statement with its names in braces filled in, quoted; `release`: of the functions that it means."""
        known: dict[str, sql.Composable] = {name: self.table(name) for name in (*TABLES, *VIEWS)}
        for name in FUNCTIONS:
            known[name] = self._quoted(f"{self.prefix}_{name}_{release}")
        for name in INDEXES:  # they lie where their table does
            known[name] = sql.Identifier(f"{self.prefix}_{name}")
        known["channel"] = sql.Literal(self.channel)
        known["channel_name"] = sql.Identifier(self.channel)
        return sql.SQL(text).format(**known)
