"""Put tables into a page, between two markers."""

from pathlib import Path
from typing import Final

START: Final = "<!-- bench:start -->"
END: Final = "<!-- bench:end -->"


class NoMarkers(Exception):
    """The file has no place for the tables."""


def replace_block(text: str, block: str) -> str:
    """Return the text with everything between the markers replaced.

    Raises NoMarkers unless each marker stands there once, start before end.
    """
    if text.count(START) != 1 or text.count(END) != 1 or text.index(START) > text.index(END):
        raise NoMarkers(f"expected one {START} and, after it, one {END}")
    before, rest = text.split(START)
    _, after = rest.split(END)
    return f"{before}{START}\n{block.strip()}\n{END}{after}"


def check(path: Path) -> None:
    """Find out before a long run whether its tables would have a place.

    Raises NoMarkers.
    """
    replace_block(path.read_text(encoding="utf-8"), "")


def update(path: Path, block: str) -> None:
    """Rewrite the block of that file.

    Raises NoMarkers, and then leaves the file as it was.
    """
    text = replace_block(path.read_text(encoding="utf-8"), block)
    path.write_text(text, encoding="utf-8")
