"""`threadkeep kv`: the keys of key-value namespaces."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from threadkeep import Store
from threadkeep.cli.durations import lease_from, remaining
from threadkeep.cli.exits import NOT_FOUND, OK
from threadkeep.cli.fields import put_value, value_of
from threadkeep.cli.opening import HERE, Where, reading, writing
from threadkeep.cli.telling import count, put_json, put_table, say
from threadkeep.errors import NotFound
from threadkeep.model.kv import Found


def list_(
    space: str | None = None,
    /,
    *,
    prefix: Annotated[str | None, Parameter(help="Only names that begin so.")] = None,
    limit: Annotated[int, Parameter(help="So many at most.")] = 50,
    cursor: Annotated[str | None, Parameter(help="Go on where a listing ended.")] = None,
    where: Where = HERE,
) -> None:
    """List the keys of a key-value namespace in order, or the namespaces that there are.

    JSON: {"keys": [...], "cursor"}, or {"namespaces": [...], "cursor"}; "cursor" null means that these were
    the last.

    Args:
        space: The key-value namespace; without it, all of them are listed.
    """
    with reading(where) as store:
        if space is None:
            page = store.kv_namespaces(prefix, limit=limit).page(cursor)
        else:
            page = store.kv(space).keys(prefix, limit=limit).page(cursor)
    if where.json:
        put_json(
            {"namespaces" if space is None else "keys": list(page.items), "cursor": page.cursor}
        )
        return
    put_table(None, ("namespace" if space is None else "key",), ([name] for name in page.items))
    if not page.items:
        say("no namespaces" if space is None else "no keys")
    if page.cursor is not None:
        say(f"more with --cursor {page.cursor}")


def get(space: str, key: str, /, *, where: Where = HERE) -> None:
    """Print the value of a key: text as it is, bytes as they are, anything else as JSON.

    Looking renews nothing.

    JSON: {"namespace", "key", "value", "content_type", "bytes", "revision", "ttl", "expires_at", "remaining"}.

    Args:
        space: The key-value namespace.
        key: The key.
    """
    with reading(where) as store:
        found = store.kv(space).get(key, renew=False)
    if found is None:
        raise _missing(space, key)
    if where.json:
        put_json(_as_data(space, found))
    else:
        put_value(found.value)


def set_(
    space: str,
    key: str,
    value: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    ttl: Annotated[
        str | None,
        Parameter(help="Lifetime: 300, 5m, 12h, 30d or forever; the namespace's if omitted."),
    ] = None,
    content_type: Annotated[str | None, Parameter(help="Kept beside the value.")] = None,
    if_absent: Annotated[
        bool, Parameter(negative="", show_default=False, help="Only when no such key stands.")
    ] = False,
    if_revision: Annotated[
        int | None, Parameter(help="Only when the key has this revision; 0: when none stands.")
    ] = None,
    where: Where = HERE,
) -> None:
    """Write a key. The store's file is made when it does not exist.

    JSON: {"namespace", "key", "revision"}.

    Args:
        space: The key-value namespace.
        key: The key.
        value: JSON when it parses, else text. `-` reads standard input.
    """
    found, lease = value_of(value), None if ttl is None else lease_from(ttl)
    with writing(where, create=True) as store:
        revision = store.kv(space).set(
            key,
            found,
            ttl=lease,
            content_type=content_type,
            if_absent=if_absent,
            if_revision=if_revision,
        )
    if where.json:
        put_json({"namespace": space, "key": key, "revision": revision})
    else:
        say(f"{key} of {space} is written, revision {revision}")


def delete(space: str, key: str, /, *more: str, where: Where = HERE) -> int:
    """Delete keys.

    JSON: {"namespace", "removed", "missing"}; "missing" are the names of keys that did not stand.

    Args:
        space: The key-value namespace.
        key: The key.
        more: More keys.
    """
    names = list(dict.fromkeys((key, *more)))
    with writing(where) as store:
        missing = _delete(store, space, names)
    if len(missing) == len(names):
        raise _missing(space, *missing)
    if where.json:
        put_json({"namespace": space, "removed": len(names) - len(missing), "missing": missing})
    else:
        say(f"{count(len(names) - len(missing), 'key')} removed")
    if missing:
        say(f"threadkeep: {_missing(space, *missing)}")
    return NOT_FOUND if missing else OK


def _delete(store: Store, space: str, names: list[str]) -> list[str]:
    """Delete keys; return those that did not stand."""
    kv = store.kv(space)
    return [name for name in names if not kv.delete(name)]


def _missing(space: str, *keys: str) -> NotFound:
    return NotFound(f"key-value namespace {space!r} has no key {', '.join(map(repr, keys))}")


def _as_data(space: str, found: Found) -> dict[str, object]:
    return {
        "namespace": space,
        "key": found.key,
        "value": found.value,
        "content_type": found.content_type,
        "bytes": found.bytes,
        "revision": found.revision,
        "ttl": found.lease.seconds,
        "expires_at": found.expires_at,
        "remaining": remaining(found.expires_at),
    }
