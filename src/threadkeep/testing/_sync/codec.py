# Generated from src/threadkeep/testing/_async/codec.py by scripts/unasync. Do not edit.
"""Values through the store: they come back equal and of the same type, or were never written."""

from __future__ import annotations

import dataclasses
import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest

from threadkeep._sync.entity import Thread
from threadkeep.errors import CodecError, UsageError
from threadkeep.ops.ops import Append, Set
from threadkeep.testing._sync.subject import LOG, MAP, Subject

SOFIA = timezone(timedelta(hours=3))


class Point(msgspec.Struct):
    """A value with a type."""

    x: int
    tags: set[str] = msgspec.field(default_factory=set[str])


@dataclasses.dataclass
class Trip:
    """Another, of another make."""

    city: str
    start: datetime
    legs: list[Point] = dataclasses.field(default_factory=list[Point])


VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "zero": 0,
    "one": 1,
    "float one": 1.0,
    "negative zero": -0.0,
    "big": 1 << 70,
    "huge": 1 << 5_000,
    "small float": 5e-324,
    "empty text": "",
    "text": "Zażółć gęślą jaźń 🦀",
    "NUL": "a\x00b",
    "lone surrogates": "\ud83d and \udc00",
    "normal forms": "\u00e9 e\u0301",
    "bytes": b"\x00\xff\xfe raw",
    "empty bytes": b"",
    "list": [1, [2, [3]], "x", None],
    "tuple": (1, (2, 3), []),
    "set": {1, "a", (2, 3)},
    "dict": {"a": {"b": [1]}, "": 0, "$tk:tuple": [1], "$": 1},
    "datetime": datetime(2026, 6, 1, 12, 30, 15, 123456, tzinfo=UTC),
    "datetime elsewhere": datetime(2026, 6, 1, tzinfo=SOFIA),
    "decimal": Decimal("10.50"),
    "decimal exponent": Decimal("1E+400"),
    "uuid": UUID("12345678-1234-5678-1234-567812345678"),
    "mixed": {"when": datetime(2026, 1, 1, tzinfo=UTC), "raw": [b"x", (Decimal(1), {None})]},
}


def cycle() -> list[Any]:
    """Return a list that holds itself."""
    found: list[Any] = []
    found.append(found)
    return found


def nested(levels: int) -> Any:
    """Return lists inside each other."""
    value: Any = []
    for _ in range(levels - 1):
        value = [value]
    return value


BAD: dict[str, Any] = {
    "NaN": math.nan,
    "infinity": {"a": [math.inf]},
    "naive datetime": [datetime(2026, 1, 1)],  # noqa: DTZ001 - what is refused
    "cycle": cycle(),
    "65 levels": nested(65),
    "object": object(),
    "function": print,
    "frozenset": frozenset({1}),
    "bytearray": bytearray(b"x"),
    "timedelta": timedelta(1),
    "key": {1: "a"},
    "complex": 1j,
    "NaN decimal": Decimal("NaN"),
}
CORRUPT = {
    "empty": b"",
    "no format": b"?x",
    "newer format": b"\x7f{}",
    "cut off": b'j{"a": [1,',
    "no JSON": b"jnope",
    "no UTF-8": b'j"\xff"',
    "unknown tag": b't{"$tk:never": 1}',
}


def same(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same types, all the way down."""
    if type(one) is not type(other) or one != other:
        return False
    if isinstance(one, dict):
        return all(same(one[k], other[k]) for k in one)  # pyright: ignore[reportUnknownVariableType]
    if isinstance(one, list | tuple):
        return all(map(same, one, other))  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(one, float):
        return math.copysign(1, one) == math.copysign(1, other)
    if isinstance(one, datetime):
        return one.utcoffset() == other.utcoffset()
    return True


class TestCodec:
    """Nothing is coerced, and nothing unreadable counts as absent."""

    @pytest.mark.parametrize("name", VALUES)
    def test_round_trip(self, thread: Thread, name: str) -> None:
        value = VALUES[name]
        thread.state.set("a", value)
        assert same(thread.state.get("a"), value)
        assert same((thread.state.get_all())["a"], value)
        thread.messages.append({"content": value}, value, ids=[None, None])
        assert same(thread.messages.list(), [{"content": value}, value])
        thread.snapshots.save(value)
        assert same(thread.snapshots.load(), value)
        assert same(thread.messages.pop(), value)

    def test_64_levels(self, thread: Thread) -> None:
        thread.state.set("a", nested(64))
        assert thread.state.get("a") == nested(64)

    def test_typed(self, thread: Thread) -> None:
        point = Point(1, {"a"})
        trip = Trip("Sofia", datetime(2026, 6, 1, tzinfo=SOFIA), [point])
        thread.state.update({"point": point, "trip": trip})
        assert thread.state.get("point", type=Point) == point
        assert thread.state.get("trip", type=Trip) == trip
        assert thread.state.get("point") == {"x": 1, "tags": {"a"}}
        assert thread.state.get_many(["point"], type=Point) == {"point": point}
        entry = thread.state.entry("trip", type=Trip)
        assert entry is not None and entry.value == trip
        thread.messages.append(point, trip)
        assert thread.messages.list(type=Point, limit=1) == [point]
        assert thread.messages.pop(type=Trip) == trip
        thread.snapshots.save(trip)
        assert thread.snapshots.load(type=Trip) == trip

    def test_a_value_of_another_type_is_an_error(self, thread: Thread) -> None:
        thread.state.set("a", {"x": "no number"})
        for call in (
            lambda: thread.state.get("a", type=Point),
            lambda: thread.state.get_all(type=Point),
            lambda: thread.state.entry("a", type=Point),
        ):
            with pytest.raises(CodecError, match="'a'"):
                call()
        assert thread.state.get("a") == {"x": "no number"}
        assert thread.state.get("never", type=Point) is None

    @pytest.mark.parametrize("name", BAD)
    def test_what_cannot_be_stored_is_refused(self, thread: Thread, name: str) -> None:
        value = BAD[name]
        for call in (
            lambda: thread.state.set("a", value),
            lambda: thread.state.update({"ok": 1, "a": value}),
            lambda: thread.state.push("a", value),
            lambda: thread.state.mutate("a", lambda _: value),
            lambda: thread.messages.append("ok", value),
            lambda: thread.messages.replace([value]),
            lambda: thread.snapshots.save(value),
        ):
            with pytest.raises(UsageError):
                call()
        assert thread.info() is None

    @pytest.mark.parametrize("name", CORRUPT)
    def test_a_corrupt_field_is_an_error_and_stays(
        self, thread: Thread, subject: Subject, name: str
    ) -> None:
        raw = CORRUPT[name]
        subject.run(Set(MAP, {"bad": raw, "good": b"j1"}))
        for call in (
            lambda: thread.state.get("bad", "default"),
            lambda: thread.state.get_many(["good", "bad"]),
            lambda: thread.state.get_all(),
            lambda: thread.state.entry("bad"),
            lambda: thread.state.mutate("bad", lambda _: 1),
            lambda: thread.state.push("bad", 1),
        ):
            with pytest.raises(CodecError, match=r"'bad'.*'subject'"):
                call()
        with pytest.raises((CodecError, UsageError)):
            thread.state.increment("bad")
        assert thread.state.get("good") == 1
        assert thread.state.has("bad")
        assert subject.values() == {"bad": raw, "good": b"j1"}

    @pytest.mark.parametrize("name", CORRUPT)
    def test_a_corrupt_item_is_an_error_and_stays(
        self, thread: Thread, subject: Subject, name: str
    ) -> None:
        raw = CORRUPT[name]
        subject.run(Append(LOG, (b"j1", raw, b"j3")), Append("snapshots", (raw,)))
        for call in (
            lambda: thread.messages.list(),
            lambda: thread.messages.list(last=2),
            lambda: thread.messages.entries(after=1, limit=1),
        ):
            with pytest.raises(CodecError, match=r"message 2.*'subject'"):
                call()
        with pytest.raises(CodecError, match=r"snapshot 1.*'subject'"):
            thread.snapshots.load()
        assert thread.messages.list(last=1) == [3]
        assert thread.messages.count() == 3
        assert thread.snapshots.exists()
        assert subject.log() == [b"j1", raw, b"j3"]
