"""The data that every subject stores, so that all of them carry the same load."""

import hashlib
from typing import Final

CALLERS: Final = 64
FIELDS: Final = 20
HISTORY: Final = 20
LAST: Final = 20
TTL: Final = 1800.0
"""Seconds. Given to every store that knows a lifetime, so that its check is part of the figure."""

MESSAGE_BYTES: Final = 500

FIELD_NAMES: Final = tuple(f"field_{number:02}" for number in range(FIELDS))
_FILLER: Final = "The traveller asked for a window seat on a morning flight. " * 8

Message = dict[str, str]


def thread_id(number: int) -> str:
    """Name a thread as generated ids do: in random order, so that keys do not arrive sorted."""
    return "thrd_" + hashlib.md5(str(number).encode(), usedforsecurity=False).hexdigest()


def field_value(number: int) -> str:
    """Make a short value that differs from call to call, so that no write is a repetition."""
    return f"value {number:012}"


def field_values(count: int) -> dict[str, str]:
    """Make the first `count` fields of a thread."""
    return {name: field_value(number) for number, name in enumerate(FIELD_NAMES[:count])}


def message(role: str, number: int) -> Message:
    """Make one message of about `MESSAGE_BYTES` bytes of JSON."""
    content = f"{number:08} {_FILLER}"
    return {"role": role, "content": content[: MESSAGE_BYTES - len(role) - 28]}


def pair(number: int) -> tuple[Message, Message]:
    """Make what one exchange adds to a history: a user message and the answer."""
    return message("user", number), message("assistant", number)


def history(count: int) -> list[Message]:
    """Make `count` messages, user and assistant in turn."""
    return [message("assistant" if number % 2 else "user", number) for number in range(count)]
