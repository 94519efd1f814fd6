"""`threadkeep threads`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from threadkeep.cli.durations import left, remaining, stamp
from threadkeep.cli.opening import HERE, Where, reading
from threadkeep.cli.telling import put_json, put_table, say
from threadkeep.errors import UsageError
from threadkeep.model.records import ThreadInfo


def threads(
    *,
    label: Annotated[
        list[str] | None,
        Parameter(negative="", help="Only threads with this label, K=V; repeatable."),
    ] = None,
    prefix: Annotated[str | None, Parameter(help="Only ids that begin so; sorted by id.")] = None,
    limit: Annotated[int, Parameter(help="So many at most.")] = 50,
    cursor: Annotated[str | None, Parameter(help="Go on where a listing ended.")] = None,
    where: Where = HERE,
) -> None:
    """List threads, newest first, or by id where a prefix is given.

    JSON: {"threads": [{"id", "labels", "created_at", "updated_at", "expires_at", "remaining", "revision",
    "fields", "items", "bytes"}], "cursor"}; "cursor" null means that these were the last.
    """
    labels = dict(map(_pair, label or []))
    with reading(where) as store:
        page = store.threads(labels=labels, prefix=prefix, limit=limit).page(cursor)
    if where.json:
        put_json({"threads": [as_data(info) for info in page.items], "cursor": page.cursor})
        return
    columns = ("thread", "updated", "fields", "items", "bytes", "labels", "ends in")
    put_table(None, columns, (_row(info) for info in page.items))
    if not page.items:
        say("no threads")
    if page.cursor is not None:
        say(f"more with --cursor {page.cursor}")


def _pair(text: str) -> tuple[str, str]:
    name, sep, value = text.partition("=")
    if not sep:
        raise UsageError(f"--label is {text!r}; write it as NAME=VALUE")
    return name, value


def label_text(labels: dict[str, str]) -> str:
    """Return labels for people."""
    return " ".join(f"{name}={value}" for name, value in sorted(labels.items()))


def as_data(info: ThreadInfo) -> dict[str, object]:
    """Return what is known of a thread for programs."""
    return {
        "id": info.id,
        "labels": info.labels,
        "created_at": info.created_at,
        "updated_at": info.updated_at,
        "expires_at": info.expires_at,
        "remaining": remaining(info.expires_at),
        "revision": info.revision,
        "fields": info.fields,
        "items": info.items,
        "bytes": info.bytes,
    }


def _row(info: ThreadInfo) -> tuple[object, ...]:
    counts = (info.fields, info.items, info.bytes)
    labels = label_text(info.labels)
    return (info.id, stamp(info.updated_at), *counts, labels, left(info.expires_at))
