"""Lay rows out for a terminal or as Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

Style = Literal["text", "markdown"]
NOTHING = "-"


@dataclass(frozen=True)
class Table:
    """A titled table; the first `names` columns are words, the others figures."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    names: int = 1
    about: str = ""


def render(table: Table, style: Style) -> str:
    """Return the table as text that ends with a newline."""
    cells = [list(table.head), *(list(row) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip_longest(*cells, fillvalue="")]
    lines = [_row(row, widths, table.names, style) for row in cells]
    if style == "markdown":
        rule = [
            "-" * width if index < table.names else "-" * (width - 1) + ":"
            for index, width in enumerate(widths)
        ]
        lines.insert(1, "| " + " | ".join(rule) + " |")
        return "\n".join([f"**{table.title}**", "", *_about(table), *lines, ""])
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([table.title, *_about(table)[:1], *lines, ""])


def _about(table: Table) -> list[str]:
    return [table.about, ""] if table.about else []


def _row(row: Sequence[str], widths: Sequence[int], names: int, style: Style) -> str:
    cells = [
        cell.ljust(width) if index < names else cell.rjust(width)
        for index, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    if style == "markdown":
        return "| " + " | ".join(cells) + " |"
    return "  ".join(cells).rstrip()


def figure(value: float | None) -> str:
    """Write a number with three digits that count."""
    if value is None:
        return NOTHING
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def ratio(value: float, base: float | None) -> str:
    """Write how many times the base a value is."""
    return f"{figure(value / base)}x" if base else NOTHING
