"""`threadkeep rm`."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter

from threadkeep import Store
from threadkeep.cli.exits import FAILED, NOT_FOUND, OK
from threadkeep.cli.opening import HERE, Where, writing
from threadkeep.cli.telling import count, put_json, safe, say
from threadkeep.cli.viewing import look, picture, thread_ref
from threadkeep.errors import NotFound, UsageError
from threadkeep.layers import directory, state


def rm(
    thread: str,
    /,
    *field: str,
    yes: Annotated[
        bool,
        Parameter(negative="", show_default=False, help="Remove a whole thread without asking."),
    ] = False,
    where: Where = HERE,
) -> int:
    """Remove fields, or a whole thread: fields, messages, snapshots, labels.

    A whole thread asks on a terminal and needs --yes elsewhere. `thread.destroyed` handlers of other
    processes are not told; destroy it in the application where that matters.

    JSON: {"thread", "removed"}, with fields also "missing", their names.

    Args:
        thread: Id of the thread.
        field: Names of the fields; without any the whole thread goes.
    """
    with writing(where) as store:
        if field:
            return _fields(store, thread, field, as_json=where.json)
        return _thread(store, thread, yes=yes, as_json=where.json)


def _fields(store: Store, thread: str, names: tuple[str, ...], *, as_json: bool) -> int:
    standing = look(store, state.keys(thread_ref(store, thread), None))
    missing = [name for name in dict.fromkeys(names) if name not in standing]
    if len(missing) == len(set(names)):
        picture(store, thread, 0)  # says it when there is no such thread
        raise NotFound(f"thread {thread!r} has no field {', '.join(map(repr, missing))}")
    removed = store.thread(thread).state.delete(*names)
    if as_json:
        put_json({"thread": thread, "removed": removed, "missing": missing})
    else:
        say(f"{count(removed, 'field')} removed")
    if missing:
        say(f"threadkeep: thread {thread!r} has no field {', '.join(map(repr, missing))}")
    return NOT_FOUND if missing else OK


def _thread(store: Store, thread: str, *, yes: bool, as_json: bool) -> int:
    place = thread_ref(store, thread)
    info = look(store, directory.info(place))
    if info is None:
        raise NotFound(f"there is no thread {thread!r} in namespace {store.namespace!r}")
    if not yes:
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"pass --yes to remove the whole thread {thread!r}")
        what = f"{count(info.fields, 'field')} and {count(info.items, 'message or snapshot', 'messages and snapshots')}"
        print(
            f"Remove thread {safe(thread)} with {what}? [y/N] ", end="", file=sys.stderr, flush=True
        )
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("nothing was removed")
            return FAILED
    removed = store.thread(thread).destroy()
    if as_json:
        put_json({"thread": thread, "removed": removed})
    else:
        say(
            f"thread {thread} is removed, and {count(removed, 'field or item', 'fields and items')} with it"
        )
    return OK
