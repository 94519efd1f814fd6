"""Results that come in pieces: recorded while they pass, replayed in the same pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from threadkeep._async.caches.bringing import Terms
from threadkeep._async.caches.calling import called
from threadkeep._async.caches.entries import AsyncEntries, Place
from threadkeep.errors import TooLarge
from threadkeep.layers.cache_entries import PIECES, Content
from threadkeep.model.codec import decode, encode
from threadkeep.model.typed import as_type

T = TypeVar("T")


async def record(
    entries: AsyncEntries, place: Place, pieces: AsyncIterable[T], terms: Terms
) -> AsyncGenerator[T]:
    """Yield the pieces as they come; keep them when the last has come."""
    kept: list[Any] | None = []
    size, limit = 0, entries.store.limits.value
    async for piece in pieces:
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
        await _keep(entries, place, kept, terms)


async def _keep(entries: AsyncEntries, place: Place, kept: list[Any], terms: Terms) -> None:
    accepts = (terms.accept, entries.options.accept)
    lease = await entries.lease(place.name, terms.lease)
    if lease is None or not all(accept is None or accept(kept) for accept in accepts):
        return
    told = terms.content(kept)
    content = Content(kept, PIECES, told.cost, told.input, told.output)
    try:
        data = entries.pack(content)
    except TooLarge as error:
        entries.failed(place.name, error)
        return
    await entries.put(place, data, lease)


async def replay(entries: AsyncEntries, place: Place, type_: Any) -> list[Any] | None:
    """Return the pieces of a recorded result; None where none is kept. Counted."""
    found = await entries.look(place)
    content = found.content
    if content is None or content.form != PIECES:
        entries.note(place.name, misses=1)
        return None
    entries.note_hit(place.name, content)
    pieces: list[Any] = content.response
    return pieces if type_ is None else [as_type(piece, type_, "a piece") for piece in pieces]


async def stream(
    entries: AsyncEntries,
    place: Place,
    begin: Callable[[], Any],
    terms: Terms,
    *,
    refresh: bool,
) -> AsyncGenerator[Any]:
    """Yield the pieces that are kept, else those of a new stream, which is recorded and closed at the end."""
    pieces = None if refresh else await replay(entries, place, terms.type)
    if pieces is not None:
        for piece in pieces:
            yield piece
        return
    source = await called(begin)
    try:
        async with aclosing(record(entries, place, source, terms)) as recorded:
            async for piece in recorded:
                yield piece
    finally:
        close = getattr(source, "aclose", None) or getattr(source, "close", None)
        if close is not None:
            await called(close)
