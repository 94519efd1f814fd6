"""`threadkeep watch`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, cast

from cyclopts import Parameter

from threadkeep import Store
from threadkeep.cli.durations import stamp
from threadkeep.cli.opening import HERE, Where, reading
from threadkeep.cli.telling import put, put_json, safe, say
from threadkeep.cli.viewing import Picture, picture, thread_ref
from threadkeep.errors import NotFound, UsageError


def watch(
    thread: str,
    /,
    *,
    count: Annotated[int | None, Parameter(help="End after so many changes.")] = None,
    where: Where = HERE,
) -> None:
    """Print a line for each change of a thread until it is removed or you press Ctrl-C.

    Changes by all processes are seen; several in a row may come as one.

    JSON Lines: {"thread", "revision", "exists", "at", "fields", "removed", "messages"}: names of fields
    that were written and that are gone, and the first and the last number of new messages (null for none).

    Args:
        thread: Id of the thread.
    """
    if count is not None and count < 1:
        raise UsageError(f"--count is {count}; pass a whole number, 1 or more")
    with reading(where) as store:
        seen = picture(store, thread, 0)
        if not where.json:
            say(f"watching thread {thread}, revision {seen.info.revision}; Ctrl-C ends it")
        told = 0
        for revision in store.ready().watch(thread_ref(store, thread)):
            if revision == seen.info.revision:
                continue
            now = _tell(store, thread, seen, as_json=where.json)
            told += 1
            if now is None or told == count:
                return
            seen = now


def _tell(store: Store, thread: str, before: Picture, *, as_json: bool) -> Picture | None:
    """Print what has changed since `before`; return how it is now, None when it is gone."""
    try:
        after = picture(store, thread, 0)
    except NotFound:
        after = None
    change = _change(thread, before, after)
    if as_json:
        put_json(change)
    else:
        put(_line(change))
    return after


def _change(thread: str, before: Picture, after: Picture | None) -> dict[str, object]:
    at = datetime.now(UTC) if after is None else after.info.updated_at
    change: dict[str, object] = {
        "thread": thread,
        "revision": 0 if after is None else after.info.revision,
        "exists": after is not None,
        "at": at,
        "fields": [],
        "removed": [],
        "messages": None,
    }
    if after is None:
        return change
    old, new = before.fields, after.fields
    change["fields"] = [n for n, e in new.items() if n not in old or e.revision != old[n].revision]
    change["removed"] = [name for name in old if name not in new]
    if after.head > before.head:
        change["messages"] = [before.head + 1, after.head]
    return change


def _line(change: dict[str, object]) -> str:
    at = change["at"]
    assert isinstance(at, datetime)  # noqa: S101 - as built above
    if not change["exists"]:
        return f"{stamp(at)}  removed"
    parts = [f"revision {change['revision']}"]
    for key in ("fields", "removed"):
        names = cast("list[str]", change[key])
        if names:
            parts.append(f"{key} {', '.join(names)}")
    if change["messages"] is not None:
        first, last = cast("list[int]", change["messages"])
        parts.append(f"message {last}" if first == last else f"messages {first} to {last}")
    return safe(f"{stamp(at)}  " + "; ".join(parts))
