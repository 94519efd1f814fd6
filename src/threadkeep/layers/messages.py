"""The message log of a thread: append, page, window, trim."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from threadkeep.errors import Conflict, UsageError
from threadkeep.layers.values import load
from threadkeep.model.codec import encode
from threadkeep.model.records import Appended, Message
from threadkeep.model.refs import Ref, check_name
from threadkeep.ops.batch import Batch, Plan
from threadkeep.ops.ops import Append, Cut, Head, Item, Read
from threadkeep.ops.reply import Appended as AppendedResult
from threadkeep.ops.reply import Count, Items, Reply

LOG = "messages"


def items_of(reply: Reply, index: int = 0) -> Items:
    """Return the items that a Read answered."""
    result = reply.results[index]
    assert isinstance(result, Items)  # noqa: S101 - the reply to a Read
    return result


def as_message(ref: Ref, item: Item, as_type: Any = None) -> Message:
    """Return an item as the record that callers get."""
    value = load(item.value, as_type, ref, "message", item.seq)
    return Message(item.seq, value, item.id, item.at)


def _ids(messages: Sequence[Any], ids: Sequence[str | None] | None) -> tuple[str | None, ...]:
    if ids is not None:
        if isinstance(ids, str) or len(ids) != len(messages):
            raise UsageError(
                f"ids must hold one id (or None) for each of the {len(messages)} messages"
            )
        return tuple(None if i is None else check_name(i, "message id") for i in ids)
    found: list[str | None] = []
    for message in messages:
        own = cast("dict[str, Any]", message).get("id") if isinstance(message, dict) else None
        found.append(check_name(own, "message id") if isinstance(own, str) else None)
    return tuple(found)


def _append_op(messages: Sequence[Any], ids: Sequence[str | None] | None, limit: int) -> Append:
    values = tuple(
        encode(message, limit=limit, place=f"message {number}")
        for number, message in enumerate(messages, 1)
    )
    names = _ids(messages, ids)
    return Append(LOG, values, names if any(names) else None)


def append(
    ref: Ref, messages: Sequence[Any], ids: Sequence[str | None] | None, limit: int
) -> Plan[Appended]:
    """Plan to add messages at the end; those whose id stands are skipped and said so."""

    def read(reply: Reply) -> Appended:
        result = reply.results[0]
        assert isinstance(result, AppendedResult)  # noqa: S101 - the reply to an Append
        return Appended(result.seqs, result.skipped, reply.revision)

    return Plan(Batch(ref, (_append_op(messages, ids, limit),)), read)


def page(
    ref: Ref, after: int | None, before: int | None, limit: int | None, as_type: Any
) -> Plan[list[Message]]:
    """Plan to read messages between two numbers, oldest first."""
    for name, value in (("after", after), ("before", before), ("limit", limit)):
        _check_count(name, value)
    op = Read(LOG, after or 0, before, limit)

    def read(reply: Reply) -> list[Message]:
        return [as_message(ref, item, as_type) for item in items_of(reply).items]

    return Plan(Batch(ref, (op,)), read)


def newest(ref: Ref, last: int, before: int | None, as_type: Any) -> Plan[list[Message]]:
    """Plan to read the last messages, oldest of them first."""
    _check_count("last", last)
    _check_count("before", before)
    op = Read(LOG, 0, before, last, newest=True)

    def read(reply: Reply) -> list[Message]:
        return [as_message(ref, item, as_type) for item in items_of(reply).items]

    return Plan(Batch(ref, (op,)), read)


def _check_count(name: str, value: object) -> None:
    if value is not None and (type(value) is not int or value < 0):
        raise UsageError(f"{name} is {value!r}; pass a whole number, 0 or more")


def count(ref: Ref) -> Plan[int]:
    """Plan to count the messages without reading them."""
    return Plan(Batch(ref, (Read(LOG, limit=0),)), lambda reply: items_of(reply).count)


def head(ref: Ref) -> Plan[int]:
    """Plan to read the number of the last message ever appended."""
    return Plan(Batch(ref, (Read(LOG, limit=0),)), lambda reply: items_of(reply).head)


def pop(ref: Ref, as_type: Any) -> Plan[Any]:
    """Plan to take the last message away; None where there is none."""
    ops = (Read(LOG, limit=1, newest=True), Cut(LOG, newest=1))

    def read(reply: Reply) -> Any:
        items = items_of(reply).items
        return as_message(ref, items[0], as_type).value if items else None

    return Plan(Batch(ref, ops), read)


def _cut(reply: Reply) -> int:
    result = reply.results[-1]
    assert isinstance(result, Count)  # noqa: S101 - the reply to a Cut
    return result.count


def cut_before(ref: Ref, seq: int) -> Plan[int]:
    """Plan to remove all messages with a smaller number; returns how many went."""
    return Plan(Batch(ref, (Cut(LOG, before=seq),)), _cut)


def clear(ref: Ref) -> Plan[int]:
    """Plan to remove all messages; returns how many went. Numbers go on where they were."""
    return Plan(Batch(ref, (Cut(LOG, keep=0),)), _cut)


def replace(
    ref: Ref,
    messages: Sequence[Any],
    ids: Sequence[str | None] | None,
    limit: int,
    if_head: int | None,
) -> Plan[Appended]:
    """Plan to put other messages in the place of all, atomically; Conflict when `if_head` is not the last number."""
    ops = (Cut(LOG, keep=0), _append_op(messages, ids, limit))
    guards = () if if_head is None else (Head(LOG, if_head),)
    otherwise = (Read(LOG, limit=0),) if guards else ()

    def read(reply: Reply) -> Appended:
        if not reply.ok:
            found = items_of(reply).head
            raise Conflict(
                f"the last message of {ref} is number {found}, not {if_head}; nothing was replaced",
                found=found,
                revision=reply.revision,
                ref=ref,
            )
        result = reply.results[1]
        assert isinstance(result, AppendedResult)  # noqa: S101 - the reply to an Append
        return Appended(result.seqs, result.skipped, reply.revision)

    return Plan(Batch(ref, ops, guards, otherwise), read)
