"""`threadkeep sweep`."""

from __future__ import annotations

from threadkeep.cli.exits import FAILED, OK
from threadkeep.cli.opening import HERE, Where, writing
from threadkeep.cli.telling import count, put_json, say


def sweep(*, where: Where = HERE) -> int:
    """End every thread whose lease has run out, in all namespaces, and reclaim fields that have.

    This process has no `thread.destroyed` handlers: where an application has some, let it sweep
    (`store.sweep()`, `store.sweeper()`), else they are never told.

    JSON: {"expired", "failed"}.
    """
    with writing(where) as store:
        done = store.sweep()
    if where.json:
        put_json({"expired": done.expired, "failed": done.failed})
    else:
        say(f"{count(done.expired, 'expired thread')} ended")
    return FAILED if done.failed else OK
