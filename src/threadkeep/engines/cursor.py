"""Where a listing stands: an opaque, unsigned text that carries no names but the last id of a listing by id."""

from __future__ import annotations

import base64
import binascii

import msgspec

from threadkeep.errors import UsageError
from threadkeep.ops.engine import Query


class Place(msgspec.Struct, array_like=True):
    """The place after a page.

    Newest first: `below` is the place in listings that comes next, `seen` the highest place that stood
    when the page was read. What moves up after that is found above `seen` by the next page, and its
    `prior` place tells whether it had its turn. Where more has moved up than a page holds, `seen` is the
    place in that to go on from, `since` what had been seen before, and `top` the highest place then.
    By id: `last` is the last id.
    """

    order: str
    below: int | None = None
    seen: int | None = None
    last: str | None = None
    since: int | None = None
    top: int | None = None

    def awaits(self, at: int, prior: int) -> bool:
        """Tell whether what moved up from a place, after the page that ended here, has its turn to come.

        It may have had it where it moved twice: one former place is known.
        """
        if not prior or self.below is None or self.seen is None or at <= self.seen:
            return False
        waited = self.since is not None and self.top is not None and at <= self.top
        return prior < self.below or prior > (self.since or 0 if waited else self.seen)

    def within_moved(self, at: int, top: int) -> Place:
        """Return the place after a page that ended, at a place, within what has moved up to `top`."""
        since = self.seen if self.since is None else self.since
        return Place(self.order, self.below, at, since=since, top=top)


_decoder = msgspec.msgpack.Decoder(Place)


def pack(place: Place) -> str:
    """Return the cursor for a place."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def unpack(query: Query) -> Place:
    """Return the place that a query's cursor means; UsageError when it is none or of another order."""
    if query.cursor is None:
        after = query.after if (query.after or "") >= (query.prefix or "") else None
        return Place(query.order, last=after)
    try:
        raw = base64.urlsafe_b64decode(query.cursor + "=" * (-len(query.cursor) % 4))
        place = _decoder.decode(raw)
    except (binascii.Error, ValueError, msgspec.MsgspecError):
        raise UsageError("cursor is not one that a listing returned") from None
    if place.order != query.order:
        raise UsageError(f"cursor belongs to a listing by {place.order}, not by {query.order}")
    return place


def check_query(query: Query) -> None:
    """Raise UsageError for a listing that cannot be."""
    if not 1 <= query.limit <= 10_000:
        raise UsageError(f"limit is {query.limit}; a page holds 1 to 10,000 entities")
    if query.prefix is not None and query.order != "id":
        raise UsageError("a listing with a prefix goes by id; pass order='id'")
    if query.after is not None and query.order != "id":
        raise UsageError("a listing after an id goes by id; pass order='id'")
