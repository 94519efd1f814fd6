"""`threadkeep keys`: the API keys of the server."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import Parameter

from threadkeep import Store
from threadkeep._sync.state import State
from threadkeep.cli.durations import stamp
from threadkeep.cli.opening import HERE, Where, wrappers
from threadkeep.cli.serving import need_server
from threadkeep.cli.telling import count, put, put_json, put_table, say
from threadkeep.errors import NotFound, UsageError


def keys(
    action: Literal["create", "list", "revoke"],
    name: str | None = None,
    /,
    *,
    right: Annotated[
        Literal["read", "write", "admin"], Parameter(help="What the key may do.")
    ] = "write",
    user: Annotated[str | None, Parameter(help="Bind the key to this user.")] = None,
    threads: Annotated[
        str | None, Parameter(help="Bind the key to threads whose ids begin so.")
    ] = None,
    where: Where = HERE,
) -> None:
    """Create, list and revoke the keys of the server.

    `create NAME` prints the key, this once: the store keeps only a hash of it. The key is for the namespace
    of --namespace; `*` for all. `revoke ID` takes effect within a second.

    JSON: create {"id", "key"}; list, a line each: {"id", "name", "namespaces", "right", "user", "threads",
    "created_at", "revoked_at"}; revoke {"id"}.

    Args:
        action: create, list or revoke.
        name: Name of the new key, or id of the key to revoke.
    """
    need_server()
    with _kept(where) as state:
        if action == "list":
            _list(state, where)
        elif name is None:
            raise UsageError(f"keys {action} needs a name")
        elif action == "create":
            _create(state, name, where, right=right, user=user, threads=threads)
        else:
            _revoke(state, name, where)


@contextmanager
def _kept(where: Where) -> Generator[State]:
    from threadkeep.server.access.keys import SPACE

    with Store(where.url, wrap=wrappers(where)) as store:
        yield store.within(SPACE).app().state


def _create(
    state: State, name: str, where: Where, *, right: Any, user: str | None, threads: str | None
) -> None:
    from threadkeep.server.access.keys import new_key

    id_, token, key = new_key(
        name, namespaces=(where.space,), right=right, user=user, threads=threads
    )
    state.set(id_, msgspec.to_builtins(key), if_absent=True)
    if where.json:
        put_json({"id": id_, "key": token})
        return
    say(f"key {id_} for namespace {where.space}; it is shown this once:")
    put(token)


def _list(state: State, where: Where) -> None:
    from threadkeep.server.access.keys import Key

    found = {id_: msgspec.convert(raw, Key) for id_, raw in state.get_all().items()}
    if where.json:
        for id_, key in found.items():
            told = msgspec.to_builtins(key)
            del told["hash"]
            put_json({"id": id_, **told})
        return
    rows = (
        (
            id_,
            key.name,
            ", ".join(key.namespaces),
            key.right,
            key.user or key.threads or "",
            stamp(key.created_at),
            "" if key.revoked_at is None else stamp(key.revoked_at),
        )
        for id_, key in found.items()
    )
    columns = ("id", "name", "namespaces", "right", "bound to", "created", "revoked")
    put_table(count(len(found), "key"), columns, rows)


def _revoke(state: State, id_: str, where: Where) -> None:
    def revoked(found: Any) -> Any:
        if found is None:
            raise NotFound(f"there is no key {id_!r}; threadkeep keys list shows them")
        return found | {"revoked_at": found.get("revoked_at") or datetime.now(UTC).isoformat()}

    state.mutate(id_, revoked)
    if where.json:
        put_json({"id": id_})
    else:
        say(f"key {id_} is revoked")
