"""What is told and where: data to stdout, talk to stderr; tables for people, JSON for programs."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

if TYPE_CHECKING:
    from rich.console import Console

SHORT = 160  # characters of a value in a table on a terminal
_PASSWORD = re.compile(r"(://[^/?#@:\s]*):\S*@")
_SECRET = re.compile(r"([?&](?:password|token|secret|key)=)[^&\s'\"]*")


def say(text: str) -> None:
    """Write a line of talk to stderr."""
    print(safe(text), file=sys.stderr)


def masked(text: str) -> str:
    """Return a message without passwords of URLs, in one line."""
    return " ".join(_SECRET.sub(r"\1***", _PASSWORD.sub(r"\1:***@", text)).split())


def safe(text: str) -> str:
    """Return text that cannot steer a terminal: what is not printable stands as an escape."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _escape(c) for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def as_json(value: object) -> str:
    """Return one line of JSON. Bytes become base64, times ISO text, decimals and UUIDs text, sets sorted lists."""
    encoding = (getattr(sys.stdout, "encoding", None) or "utf-8").lower().replace("-", "")
    return json.dumps(
        plain(value), ensure_ascii=encoding != "utf8", allow_nan=False, separators=(",", ":")
    )


def plain(value: object) -> object:
    """Return a value as JSON has it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, (set, frozenset)):
        items = [plain(item) for item in cast("set[object]", value)]
        return sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in cast("list[object]", value)]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    return value


def put(text: str) -> None:
    """Write a line of data to stdout, at once."""
    print(text, flush=True)


def put_json(value: object) -> None:
    """Write one JSON document, in one line, to stdout."""
    put(as_json(value))


def shown(value: object, *, whole: bool = False) -> str:
    """Return a value for a table: JSON, shortened on a terminal, harmless to it."""
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"
    text = safe(json.dumps(plain(value), ensure_ascii=False))
    if whole or len(text) <= SHORT or not sys.stdout.isatty():
        return text
    return text[: SHORT - 1] + "…"


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its word."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def amounts(entities: int, fields: int, items: int) -> str:
    """Return how much was exported, imported or compared."""
    sizes = (count(entities, "entity", "entities"), count(fields, "field"), count(items, "item"))
    return ", ".join(sizes)


def console(*, err: bool = False) -> Console:
    """Return the terminal as rich knows it; text in square brackets is text."""
    from rich.console import Console

    return Console(stderr=err, highlight=False, emoji=False, markup=False)


def put_table(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table to stdout: as wide as the terminal, or uncut where the output is none."""
    cells = [["" if cell is None else safe(str(cell)) for cell in row] for row in rows]
    if sys.stdout.isatty():
        _put_rich(title, columns, cells)
        return
    lines = [list(columns), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    if title is not None:
        put(safe(title))
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        put("  ".join(padded).rstrip())


def _put_rich(title: str | None, columns: Sequence[str], cells: list[list[str]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    heading = None if title is None else Text(safe(title), style="bold")
    made = Table(title=heading, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for line in cells:
        made.add_row(*map(Text, line))
    console().print(made)


def debugging() -> bool:
    """Tell whether tracebacks are wanted."""
    return os.environ.get("THREADKEEP_DEBUG", "") not in ("", "0")


def settle_streams() -> None:
    """Let every text be written: what an encoding lacks, and lone surrogates, stand as escapes."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
