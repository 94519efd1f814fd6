"""`threadkeep show`."""

from __future__ import annotations

from typing import Annotated, Any, cast

from cyclopts import Parameter

from threadkeep.cli.durations import lease_name, left, remaining, stamp
from threadkeep.cli.opening import HERE, Where, reading
from threadkeep.cli.telling import count, put, put_json, put_table, safe, shown
from threadkeep.cli.threads import as_data, label_text
from threadkeep.cli.viewing import Picture, picture
from threadkeep.errors import UsageError
from threadkeep.model.records import Entry, Message


def show(
    thread: str,
    /,
    *,
    messages: Annotated[int, Parameter(help="So many of the last messages.")] = 5,
    where: Where = HERE,
) -> None:
    """Show a thread: fields with their remaining lifetimes, last messages, labels, snapshots.

    Looking renews nothing.

    JSON: {"thread": {...}, "fields": [{"name", "value", "revision", "ttl", "expires_at", "remaining"}],
    "messages": [{"seq", "id", "created_at", "value"}], "snapshots": [{"revision", "created_at", "bytes"}]};
    "ttl" is the window of a sliding lease in seconds.

    Args:
        thread: Id of the thread.
    """
    if messages < 0:
        raise UsageError(f"--messages is {messages}; pass a whole number, 0 or more")
    with reading(where) as store:
        found = picture(store, thread, messages)
    if where.json:
        put_json(as_document(found))
    else:
        _tell(found)


def entry_data(name: str, entry: Entry) -> dict[str, object]:
    """Return a field for programs."""
    return {
        "name": name,
        "value": entry.value,
        "revision": entry.revision,
        "ttl": entry.lease.seconds,
        "expires_at": entry.expires_at,
        "remaining": remaining(entry.expires_at),
    }


def as_document(found: Picture) -> dict[str, object]:
    """Return a thread for programs."""
    return {
        "thread": as_data(found.info) | {"messages": found.info.messages},
        "fields": [entry_data(name, entry) for name, entry in found.fields.items()],
        "messages": [
            {"seq": m.seq, "id": m.id, "created_at": m.created_at, "value": m.value}
            for m in found.messages
        ],
        "snapshots": [
            {"revision": s.revision, "created_at": s.created_at, "bytes": s.bytes}
            for s in found.snapshots
        ],
    }


def put_fields(title: str | None, entries: dict[str, Entry]) -> None:
    """Print fields with their lifetimes."""
    rows = (
        (name, left(e.expires_at), lease_name(e.lease), e.revision, shown(e.value))
        for name, e in entries.items()
    )
    put_table(title, ("field", "ends in", "lease", "revision", "value"), rows)


def _tell(found: Picture) -> None:
    info = found.info
    put(f"thread    {safe(info.id)} in namespace {safe(info.namespace)}")
    put(
        f"created   {stamp(info.created_at)}, changed {stamp(info.updated_at)}, revision {info.revision}"
    )
    put(f"ends in   {left(info.expires_at)} ({lease_name(info.lease)})")
    if info.labels:
        put(f"labels    {safe(label_text(info.labels))}")
    put("")
    put_fields(count(len(found.fields), "field"), found.fields)
    if found.messages:
        title = f"last {len(found.messages)} of {count(info.messages or 0, 'message')}"
        put_table(title, ("number", "time", "role", "message"), map(_message, found.messages))
    if found.snapshots:
        rows = ((s.revision, stamp(s.created_at), s.bytes) for s in found.snapshots)
        put_table(count(len(found.snapshots), "snapshot"), ("revision", "time", "bytes"), rows)


def _message(message: Message) -> tuple[object, ...]:
    value: Any = message.value
    role, text = "", value
    if isinstance(value, dict):
        content = cast("dict[str, Any]", value)
        role = str(content.get("role", ""))
        if set(content) <= {"role", "content", "id"}:
            text = content.get("content", value)
    return message.seq, stamp(message.created_at), role, shown(text)
