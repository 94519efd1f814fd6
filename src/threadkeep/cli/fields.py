"""`threadkeep get` and `threadkeep set`."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, NoReturn

from cyclopts import Parameter

from threadkeep.cli.durations import lease_from
from threadkeep.cli.opening import HERE, Where, reading, writing
from threadkeep.cli.showing import entry_data
from threadkeep.cli.telling import put, put_json, safe, say, shown
from threadkeep.cli.viewing import look, picture, thread_ref
from threadkeep.errors import NotFound, UsageError
from threadkeep.layers import state

STDIN = "-"


def get(thread: str, field: str, /, *, where: Where = HERE) -> None:
    """Print the value of one field: text as it is, bytes as they are, anything else as JSON.

    Looking renews nothing.

    JSON: {"thread", "name", "value", "revision", "ttl", "expires_at", "remaining"}.

    Args:
        thread: Id of the thread.
        field: Name of the field.
    """
    with reading(where) as store:
        entry = look(store, state.entry(thread_ref(store, thread), field, None))
        if entry is None:
            picture(store, thread, 0)  # says it when there is no such thread
            raise NotFound(f"thread {thread!r} has no field {field!r}")
    if where.json:
        put_json({"thread": thread, **entry_data(field, entry)})
    else:
        put_value(entry.value)


def put_value(value: object) -> None:
    """Print a value: text as it is, bytes as they are, anything else as JSON."""
    if isinstance(value, bytes):
        _put_bytes(value)
    elif isinstance(value, str):
        put(_for_terminal(value))
    else:
        put(shown(value, whole=True))


def _put_bytes(value: bytes) -> None:
    if sys.stdout.isatty():
        put(shown(value))
        say("bytes are not printed to a terminal; send them to a file")
        return
    sys.stdout.buffer.write(value)
    sys.stdout.buffer.flush()


def _for_terminal(text: str) -> str:
    if not sys.stdout.isatty():
        return text
    return "\n".join(safe(line.replace("\t", "    ")) for line in text.split("\n"))


def set_(
    thread: str,
    field: str,
    value: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    ttl: Annotated[
        str | None, Parameter(help="Lifetime: 300, 5m, 12h, 30d or forever; forever if omitted.")
    ] = None,
    if_absent: Annotated[
        bool, Parameter(negative="", show_default=False, help="Only when no such field stands.")
    ] = False,
    if_revision: Annotated[
        int | None, Parameter(help="Only when the field has this revision; 0: when none stands.")
    ] = None,
    where: Where = HERE,
) -> None:
    """Write one field. The thread, and the store's file, are made when they do not exist.

    JSON: {"thread", "name", "revision"}.

    Args:
        thread: Id of the thread.
        field: Name of the field.
        value: JSON when it parses, else text. `-` reads standard input.
    """
    found = value_of(value)
    lease = None if ttl is None else lease_from(ttl)
    with writing(where, create=True) as store:
        fields = store.thread(thread).state
        revision = fields.set(field, found, ttl=lease, if_absent=if_absent, if_revision=if_revision)
    if where.json:
        put_json({"thread": thread, "name": field, "revision": revision})
    else:
        say(f"{field} of {thread} is written, revision {revision}")


def value_of(text: str) -> object:
    """Return the value that an argument means: JSON when it parses, else text; `-` is standard input."""
    if text.startswith("--"):
        raise UsageError(
            f"unknown option {text}; for a text that begins so write '\"{text}\"' or use -"
        )
    return parse_value(_stdin() if text == STDIN else text)


def _stdin() -> str:
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input is no UTF-8 text (byte {error.start})") from None


def parse_value(text: str) -> object:
    """Return the value of a text: JSON when it is, else the text itself.

    UsageError for JSON that would lose something: a key that stands twice.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_twins, parse_constant=_no_constant)
    except ValueError:
        return text
    except RecursionError:
        raise UsageError("the value is nested too deeply") from None


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twin = next(name for name in names if names.count(name) > 1)
        raise UsageError(f"the value is JSON with the key {twin!r} twice; only one could be kept")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
