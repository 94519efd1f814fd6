"""What an interrupted export left, and where it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from threadkeep.errors import CodecError, NotFound
from threadkeep.layers.transfer_format import End, EntityLine, Header
from threadkeep.layers.transfer_parsing import Parser, Place
from threadkeep.model.refs import Ref


class Continued(NamedTuple):
    """The whole entities at the beginning of a file: their bytes, the place after them, the last of them."""

    size: int
    place: Place
    after: Ref | None
    header: Header


def continued(part: Path) -> Continued | None:
    """Read how far an export came; None when not even its header is whole. NotFound when there is no file."""
    if not part.exists():
        raise NotFound(f"there is no {part} to go on with; run the export without --resume")
    parser = Parser()
    found: Continued | None = None
    header: Header | None = None
    ref: Ref | None = None
    size = 0
    with part.open("rb") as lines:
        for data in lines:
            try:
                line = parser.feed(data)
            except CodecError:
                break  # written no further
            size += len(data)
            if isinstance(line, Header):
                header = line
            elif isinstance(line, EntityLine):
                ref = Ref(line.namespace, line.kind, line.id)
                continue
            elif not isinstance(line, End):
                continue
            assert header is not None  # noqa: S101 - the parser takes nothing before it
            found = Continued(size, parser.place, ref, header)
    return found
