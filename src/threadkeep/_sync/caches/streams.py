# Generated from src/threadkeep/_async/caches/streams.py by scripts/unasync. Do not edit.
"""Results that come in pieces: recorded while they pass, replayed in the same pieces."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from typing import Any, TypeVar

from threadkeep._sync.caches.bringing import Terms
from threadkeep._sync.caches.calling import called
from threadkeep._sync.caches.entries import Entries, Place
from threadkeep.errors import TooLarge
from threadkeep.layers.cache_entries import PIECES, Content
from threadkeep.model.codec import decode, encode
from threadkeep.model.typed import as_type

T = TypeVar("T")


def record(entries: Entries, place: Place, pieces: Iterable[T], terms: Terms) -> Generator[T]:
    """Yield the pieces as they come; keep them when the last has come."""
    kept: list[Any] | None = []
    size, limit = 0, entries.store.limits.value
    for piece in pieces:
        if kept is not None:
            data = encode(piece, place="a piece of the result")
            size += len(data)
            kept.append(decode(data))
            if size > limit:
                kept = None
        yield piece
    if kept is None:
        entries.failed(place.name, TooLarge(f"the stream is over the limit of {limit} bytes"))
    elif not any(terms.refused(piece) for piece in kept):
        _keep(entries, place, kept, terms)


def _keep(entries: Entries, place: Place, kept: list[Any], terms: Terms) -> None:
    accepts = (terms.accept, entries.options.accept)
    lease = entries.lease(place.name, terms.lease)
    if lease is None or not all(accept is None or accept(kept) for accept in accepts):
        return
    told = terms.content(kept)
    content = Content(kept, PIECES, told.cost, told.input, told.output)
    try:
        data = entries.pack(content)
    except TooLarge as error:
        entries.failed(place.name, error)
        return
    entries.put(place, data, lease)


def replay(entries: Entries, place: Place, type_: Any) -> list[Any] | None:
    """Return the pieces of a recorded result; None where none is kept. Counted."""
    found = entries.look(place)
    content = found.content
    if content is None or content.form != PIECES:
        entries.note(place.name, misses=1)
        return None
    entries.note_hit(place.name, content)
    pieces: list[Any] = content.response
    return pieces if type_ is None else [as_type(piece, type_, "a piece") for piece in pieces]


def stream(
    entries: Entries,
    place: Place,
    begin: Callable[[], Any],
    terms: Terms,
    *,
    refresh: bool,
) -> Generator[Any]:
    """Yield the pieces that are kept, else those of a new stream, which is recorded and closed at the end."""
    pieces = None if refresh else replay(entries, place, terms.type)
    if pieces is not None:
        for piece in pieces:
            yield piece
        return
    source = called(begin)
    try:
        with closing(record(entries, place, source, terms)) as recorded:
            for piece in recorded:
                yield piece
    finally:
        close = getattr(source, "close", None) or getattr(source, "close", None)
        if close is not None:
            called(close)
