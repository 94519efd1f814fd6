"""`threadkeep migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from threadkeep.cli.inspecting import inspection
from threadkeep.cli.opening import HERE, Where, file_of, open_store, wrappers
from threadkeep.cli.telling import count, put, put_json, say
from threadkeep.errors import SchemaMismatch, UsageError
from threadkeep.model.urls import mask

if TYPE_CHECKING:
    from threadkeep.engines.sql.sqlite.inspect import Inspection


def migrate(
    action: Literal["status", "plan", "apply"] = "status", /, *, where: Where = HERE
) -> None:
    """Show the schema of a store, what is to be done to it, or do it.

    A store is migrated by itself when a program opens it for writing; this is for those who want to see it
    first.

    JSON: {"store", "schema", "known", "pending": [{"number", "name", "checksum"}], "applied"}.

    Args:
        action: status: numbers; plan: the statements too; apply: do it, also make a store that is not there.
    """
    if file_of(where.url) is None:
        raise UsageError(f"{mask(where.url)} has no schema that could be migrated")
    if action == "apply":
        _apply(where)
        return
    found = _look(where)
    if where.json:
        put_json(_as_data(found, 0))
        return
    put(
        f"schema {found.schema} of {found.known}, {count(len(found.pending), 'migration')} to apply"
    )
    for migration in found.pending:
        put(f"{migration.number:04} {migration.name} {migration.checksum}")
        if action == "plan":
            put(migration.sql)


def _look(where: Where) -> Inspection:
    """Return what is there. SchemaMismatch for a schema that this release must not touch."""
    found = inspection(where.url)
    assert found is not None  # noqa: S101 - it has a file
    if found.schema > found.known:
        raise SchemaMismatch(
            f"the store has schema {found.schema}, this release knows {found.known}: upgrade threadkeep"
        )
    if found.changed:
        raise SchemaMismatch(
            f"migration {found.changed[0]} was applied in another form than this release has"
        )
    return found


def _apply(where: Where) -> None:
    file = file_of(where.url)
    before = _look(where).schema if file is not None and file.exists() else 0
    with open_store(where.url, where.space, "create", wrappers(where)) as store:
        store.ready()
    after = _look(where)
    if where.json:
        put_json(_as_data(after, after.schema - before))
    else:
        say(
            f"{count(after.schema - before, 'migration')} applied, schema {after.schema} of {after.known}"
        )


def _as_data(found: Inspection, applied: int) -> dict[str, object]:
    pending = [{"number": m.number, "name": m.name, "checksum": m.checksum} for m in found.pending]
    return {
        "store": found.path,
        "schema": found.schema,
        "known": found.known,
        "pending": pending,
        "applied": applied,
    }
