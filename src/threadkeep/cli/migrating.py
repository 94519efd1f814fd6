"""`threadkeep migrate`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from threadkeep.cli.inspecting import migrated
from threadkeep.cli.opening import HERE, Where, require
from threadkeep.cli.telling import count, put, put_json, say
from threadkeep.errors import UsageError
from threadkeep.model.urls import mask

if TYPE_CHECKING:
    from threadkeep.engines.sql.migrate import Migration, Phase, Schema

Action = Literal["status", "plan", "apply", "sql"]
Pre = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="Only what must come before a deploy; the release before this one goes on working with it.",
    ),
]
Post = Annotated[
    bool,
    Parameter(
        negative="",
        show_default=False,
        help="Only what must come after a deploy, when every process runs this release.",
    ),
]


def migrate(
    action: Action = "status", /, *, pre: Pre = False, post: Post = False, where: Where = HERE
) -> None:
    """Show the schema of a store, what is to be done to it, or do it.

    Opening a store for writing applies what must come before a deploy, and all of it to a new store; what must
    come after is left to this command.

    JSON: {"store", "schema", "known", "pending": [{"number", "phase", "name", "checksum"}], "applied"};
    sql: "sql" too.

    Args:
        action: status: what is to be done; plan: also what is there; apply: do it, and make a store that is not
            there; sql: print the statements, with those that record them, for who applies them by other means.
    """
    phases: tuple[Phase, ...] = (("pre",) * pre + ("post",) * post) or ("pre", "post")
    if action in {"status", "plan"}:
        require(where.url)
    with migrated(where.url) as engine:
        if engine is None:
            raise UsageError(f"{mask(where.url)} has no schema that could be migrated")
        found = engine.migrate(*phases) if action == "apply" else engine.schema()
        found.check()
        text = engine.script(found.due(phases)) if action == "sql" and found.due(phases) else ""
    if where.json:
        put_json(_as_data(where, found, phases) | ({"sql": text} if action == "sql" else {}))
    elif action == "apply":
        say(f"{count(len(found.done), 'migration')} applied, {_numbers(found)}")
    elif action == "sql":
        put(text or f"-- {_numbers(found)}: nothing to apply")
    else:
        _show(found, phases, whole=action == "plan")


def _numbers(found: Schema) -> str:
    return f"schema {found.number} of {found.newest}"


def _show(found: Schema, phases: tuple[Phase, ...], *, whole: bool) -> None:
    due = found.due(phases)
    put(f"{_numbers(found)}, {count(len(due), 'migration')} to apply")
    for migration in found.known if whole else due:
        put(
            f"{migration.number:04} {migration.phase:4} {migration.name:12} {_state(migration, found)}"
        )


def _state(migration: Migration, found: Schema) -> str:
    if migration.number in found.applied:
        return f"{migration.checksum} applied"
    when = (
        "before the deploy" if migration.phase == "pre" else "when every process runs this release"
    )
    return f"{migration.checksum} to apply" + (f" {when}" if found.applied else "")


def _as_data(where: Where, found: Schema, phases: tuple[Phase, ...]) -> dict[str, object]:
    pending = [
        {"number": m.number, "phase": m.phase, "name": m.name, "checksum": m.checksum}
        for m in found.due(phases)
    ]
    return {
        "store": mask(where.url),
        "schema": found.number,
        "known": found.newest,
        "pending": pending,
        "applied": len(found.done),
    }
