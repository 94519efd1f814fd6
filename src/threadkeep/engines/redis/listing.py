"""Listings over sorted sets: what to ask a shard for, and how places and ids are ordered."""

from __future__ import annotations

import struct
from typing import Any, Final

from threadkeep.engines.redis.keys import Places, indexes
from threadkeep.ops.engine import Query

TOP: Final = 1 << 53  # labels are kept with TOP - place, so that the newest come first
Command = tuple[Any, ...]
Candidate = tuple[int, str]  # place, id


def _label(name: str, value: str) -> bytes:
    return b"%b\0%b\0" % (name.encode(), value.encode())


def _inverted(place: int) -> bytes:
    return struct.pack(">Q", TOP - place)


class Shard:
    """One shard of a listing. `label`: the one that the listing is driven by, if any."""

    def __init__(self, places: Places, query: Query, number: int) -> None:
        self.base = places.base(query.namespace, query.kind, number)
        self.places, _, self.labels, self.ids = indexes(self.base)
        self.key = self.places

    def newest(self, below: int | None, count: int, label: tuple[str, str] | None) -> Command:
        """Ask for the highest places below `below`, highest first."""
        if label is None:
            top = "+inf" if below is None else f"({below}"
            return ("ZREVRANGEBYSCORE", self.places, top, "-inf", "WITHSCORES", "LIMIT", 0, count)
        start = _label(*label)
        low = b"[" + start + (b"" if below is None else _inverted(below - 1))
        return ("ZRANGEBYLEX", self.labels, low, b"(" + start + b"\xff", "LIMIT", 0, count)

    def above(self, seen: int, count: int, label: tuple[str, str] | None) -> Command:
        """Ask for the lowest places above `seen`, lowest first."""
        if label is None:
            return (
                "ZRANGEBYSCORE",
                self.places,
                f"({seen}",
                "+inf",
                "WITHSCORES",
                "LIMIT",
                0,
                count,
            )
        start = _label(*label)
        high = b"(" + start + _inverted(seen)
        return ("ZREVRANGEBYLEX", self.labels, high, b"[" + start, "LIMIT", 0, count)

    def top(self) -> Command:
        """Ask for the highest place of all."""
        return ("ZREVRANGE", self.places, 0, 0, "WITHSCORES")

    def count(self, label: tuple[str, str]) -> Command:
        """Ask how many carry a label."""
        start = _label(*label)
        return ("ZLEXCOUNT", self.labels, b"[" + start, b"(" + start + b"\xff")

    def by_id(self, prefix: str, last: str | None, count: int) -> Command:
        """Ask for ids with a prefix after `last`, in order."""
        low = b"[" + prefix.encode() if last is None else b"(" + last.encode()
        high = b"(" + prefix.encode() + b"\xff" if prefix else b"+"
        return ("ZRANGEBYLEX", self.ids, low, high, "LIMIT", 0, count)


def candidates(answer: list[Any], label: tuple[str, str] | None) -> list[Candidate]:
    """Return places and ids of an answer to `newest` or `above`."""
    if label is not None:
        size = len(_label(*label))
        return [
            (TOP - int.from_bytes(raw[size : size + 8], "big"), raw[size + 8 :].decode())
            for raw in answer
        ]
    return [(place, name.decode()) for name, place in scored(answer)]


def scored(answer: list[Any]) -> list[tuple[bytes, int]]:
    """Return members with their scores, from the flat form of RESP 2 or the pairs of RESP 3."""
    if answer and isinstance(answer[0], (list, tuple)):
        return [(name, int(float(score))) for name, score in answer]
    return [
        (name, int(float(score))) for name, score in zip(answer[::2], answer[1::2], strict=True)
    ]
