"""The stored form of values: what goes in comes back the same, or is refused by name."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import enum
import io
import math
import re
import struct
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any, Literal, NamedTuple, TypedDict
from zoneinfo import ZoneInfo

import msgspec
import pydantic
import pydantic.dataclasses
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from threadkeep.errors import CodecError, TooLarge, UsageError
from threadkeep.model.codec import decode, decode_as, encode

AT = datetime(2026, 6, 1, 12, 30, 0, 1, timezone(timedelta(hours=2)))
ID = uuid.UUID("12345678-1234-5678-1234-567812345678")
HIGH, LOW = "\ud83d", "\ude00"


def shape(value: Any) -> Any:
    """Return what two values must have in common to be the same: types, order, bits, offsets."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind, tuple((shape(key), shape(item)) for key, item in value.items())
    if isinstance(value, list | tuple):
        return kind, tuple(map(shape, value))
    if isinstance(value, set):
        return kind, frozenset(map(shape, value))
    if isinstance(value, float):
        return kind, struct.pack("<d", value)
    if isinstance(value, datetime):
        return kind, value.replace(tzinfo=None, fold=0), value.utcoffset()
    if isinstance(value, Decimal):
        return kind, value.as_tuple()
    return kind, value


def assert_round_trip(value: Any) -> bytes:
    data = encode(value)
    for stored in (data, memoryview(data)):
        assert shape(decode(stored)) == shape(value)
    return data


def nested(levels: int) -> Any:
    value: Any = "deep"
    for level in range(levels):
        value = [value] if level % 2 else {"down": value}
    return value


# --- stored form --------------------------------------------------------------------------------

FORMS: list[tuple[Any, bytes]] = [
    (None, b"jnull"),
    (True, b"jtrue"),
    (1, b"j1"),
    (1.0, b"j1.0"),
    (-0.0, b"j-0.0"),
    (2**64, b"j18446744073709551616"),
    (-(10**600), b"j-1" + b"0" * 600),
    (1 << 2048, b't{"$tk:int":"0x1' + b"0" * 512 + b'"}'),
    ("book_flight", b'j"book_flight"'),
    ("Пловдив 😀", 'j"Пловдив 😀"'.encode()),
    ("\x00", b'j"\\u0000"'),
    ("", b'j""'),
    ([], b"j[]"),
    ({}, b"j{}"),
    ({"b": 1, "a": [None, {"": False}]}, b'j{"b":1,"a":[null,{"":false}]}'),
    ({"$tk:uuid": "x"}, b'j{"$tk:uuid":"x"}'),
    (b"", b"b"),
    (b"\x00\xffj", b"b\x00\xffj"),
    ({"raw": b"\xff"}, b't{"raw":{"$tk:bytes":"/w=="}}'),
    (AT, b't{"$tk:datetime":"2026-06-01T12:30:00.000001+02:00"}'),
    (Decimal("1.10"), b't{"$tk:decimal":"1.10"}'),
    (ID, b't{"$tk:uuid":"12345678-1234-5678-1234-567812345678"}'),
    ((), b't{"$tk:tuple":[]}'),
    ((1, (2.0, [3])), b't{"$tk:tuple":[1,{"$tk:tuple":[2.0,[3]]}]}'),
    ({"b", "a"}, b't{"$tk:set":["a","b"]}'),
    ({(1, "x")}, b't{"$tk:set":[{"$tk:tuple":[1,"x"]}]}'),
    ({"$tk:uuid": (), "$$tk:": 1}, b't{"$$tk:uuid":{"$tk:tuple":[]},"$$$tk:":1}'),
    ({"$ref": (), "tk:": 1}, b't{"$ref":{"$tk:tuple":[]},"tk:":1}'),
    (["$tk:uuid", '"$tk:', ()], b't["$tk:uuid","\\"$tk:",{"$tk:tuple":[]}]'),
    (HIGH, b's"\\ud83d"'),
    (HIGH + LOW, b's"\\ud83d\\ude00"'),
    ("\\" + LOW, b's"\\\\\\ude00"'),
    ({LOW: "\\ud83d 😀"}, 's{"\\ude00":"\\\\ud83d 😀"}'.encode()),
    ((HIGH,), b'u{"$tk:tuple":["\\ud83d"]}'),
    ({"$tk:set": (HIGH,)}, b'u{"$$tk:set":{"$tk:tuple":["\\ud83d"]}}'),
]


def named(item: object) -> str:
    """Return a name for a test that is the same in each process."""
    shown = sorted(item, key=repr) if isinstance(item, set | frozenset) else item
    return re.sub(r" at 0x\w+", "", repr(shown)[:40])


@pytest.mark.parametrize(("value", "data"), FORMS, ids=named)
def test_stored_form(value: Any, data: bytes):
    assert assert_round_trip(value) == data


@pytest.mark.parametrize(
    "text",
    ["-0", "0E+3", "1E-9999", "-123456789012345678901234567890.10", "1E+999999999999999"],
)
def test_decimals_keep_their_digits(text: str):
    assert_round_trip({"amount": Decimal(text)})


def test_a_set_has_one_stored_form():
    assert encode({"a", 8, 0}) == encode({8, "a", 0}) == b't{"$tk:set":["a",0,8]}'


@pytest.mark.parametrize("levels", [1, 2, 63, 64])
def test_nesting_up_to_64_levels(levels: int):
    assert_round_trip(nested(levels))
    assert_round_trip((nested(levels - 1), b""))


# --- datetimes ----------------------------------------------------------------------------------


def zone() -> ZoneInfo:
    """Return a zone made here: local mean time, then +2, +3 from April to October 2026, then +2."""
    changes = [datetime(1902, 1, 1), datetime(2026, 4, 1), datetime(2026, 10, 1)]  # noqa: DTZ001
    seconds = [int(change.replace(tzinfo=UTC).timestamp()) for change in changes]
    kinds = struct.pack(">lBBlBBlBB", 5596, 0, 0, 7200, 0, 4, 10800, 1, 8)
    head = b"TZif" + bytes(16) + struct.pack(">6l", 0, 0, 0, len(changes), 3, 12)
    body = struct.pack(">3l", *seconds) + bytes([1, 2, 1]) + kinds + b"LMT\0STD\0DST\0"
    return ZoneInfo.from_file(io.BytesIO(head + body), key="Test/Zone")


@pytest.mark.parametrize("fold", [0, 1])
@pytest.mark.parametrize(
    ("local", "offsets"),
    [
        (datetime(1890, 5, 5), (5596, 5596)),  # noqa: DTZ001
        (datetime(2026, 1, 1), (7200, 7200)),  # noqa: DTZ001
        (datetime(2026, 10, 1, 2, 30), (10800, 7200)),  # noqa: DTZ001 - happens twice
        (datetime(2026, 4, 1, 2, 30), (7200, 10800)),  # noqa: DTZ001 - does not happen
    ],
)
def test_a_zone_becomes_its_offset(local: datetime, offsets: tuple[int, int], fold: int):
    moment = local.replace(tzinfo=zone(), fold=fold)
    assert_round_trip(moment)
    back = decode_as(encode(moment), datetime)
    assert back.utcoffset() == timedelta(seconds=offsets[fold])
    assert back.astimezone(UTC) == moment.astimezone(UTC)


@pytest.mark.parametrize("local", [AT.min, AT.replace(tzinfo=None), AT.max])
@pytest.mark.parametrize(
    "offset",
    [
        timedelta(0),
        timedelta(microseconds=1),
        timedelta(microseconds=-1),
        timedelta(seconds=-1),
        timedelta(hours=-23, minutes=-59, seconds=-59, microseconds=-999999),
        timedelta(hours=23, minutes=59),
    ],
)
def test_any_offset(local: datetime, offset: timedelta):
    assert_round_trip([local.replace(tzinfo=timezone(offset))])


# --- any value ----------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=()), max_size=8)
OFFSETS = st.timedeltas(timedelta(hours=-23), timedelta(hours=23)).map(timezone)
MEMBERS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(1 << 2100), 1 << 2100),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.binary(max_size=8),
    st.datetimes(timezones=st.just(UTC) | OFFSETS),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.uuids(),
)
KEYS = TEXT | st.sampled_from(["", "$", "$tk:", "$tk:set", "$$tk:tuple", "$tk", "$ref", HIGH])
VALUES = st.recursive(
    MEMBERS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(KEYS, inner, max_size=4),
        st.sets(MEMBERS | st.lists(MEMBERS, max_size=2).map(tuple), max_size=4),
    ),
    max_leaves=12,
)


@given(VALUES)
@settings(max_examples=400, deadline=None)
def test_any_value_comes_back_equal_and_of_the_same_types(value: Any):
    data = assert_round_trip(value)
    assert data[:1] in b"jtsub"
    if data[:1] != b"b":
        assert data.decode()  # people look into their databases


# --- refused ------------------------------------------------------------------------------------


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int


class Text(str):
    __slots__ = ()


def cycle() -> dict[str, Any]:
    value: dict[str, Any] = {"a": {}}
    value["a"]["b"] = [value]
    return value


NAIVE = datetime(2026, 1, 1)  # noqa: DTZ001
REFUSED: list[tuple[Any, str]] = [
    (math.nan, "value is NaN"),
    ({"items": [0, 1, 2, {"price": math.nan}]}, "value.items[3].price is NaN"),
    ([math.inf], "value[0] is infinite"),
    ({"a b": -math.inf}, "value['a b'] is infinite"),
    ({"k" * 99: NAIVE}, f"value['{'k' * 40}'...] is a datetime without a time zone"),
    (Decimal("NaN"), "value is a Decimal of NaN"),
    ((Decimal("-Infinity"),), "value[0] is a Decimal of -Infinity"),
    (date(2026, 1, 1), "value is of type date; store its isoformat()"),
    (time(12), "value is of type time; store its isoformat()"),
    (timedelta(1), "value is of type timedelta; store its total_seconds()"),
    (cycle(), "value.a.b[0] holds itself"),
    ({1: "x"}, "value has a key of type int"),
    ([{b"x": 1}], "value[0] has a key of type bytes"),
    ({"a": (1, {Text("x"): 1})}, "value.a[1] has a key of type Text"),
    (Color.RED, "value is of type Color; store its .value"),
    ([Level.LOW], "value[0] is of type Level; store its .value"),
    (Text("x"), "value is of type Text, not exactly str; store a plain str"),
    (collections.OrderedDict(a=1), "value is of type OrderedDict, not exactly dict"),
    (Point(1), "value is of type Point, not exactly tuple"),
    (frozenset({1}), "value is of type frozenset; store a set"),
    (bytearray(b"x"), "value is of type bytearray; store bytes() of it"),
    (memoryview(b"x"), "value is of type memoryview; store bytes() of it"),
    (len, "value is of type builtin_function_or_method, which cannot be stored"),
    ({"f": Color}, "value.f is of type EnumType, which cannot be stored"),
    (object(), "value is of type object, which cannot be stored"),
    (1j, "value is of type complex, which cannot be stored"),
    ({(1, NAIVE)}, "is a datetime without a time zone"),
    (nested(65), "is nested over 64 levels"),
    ((nested(64),), "is nested over 64 levels"),
]


@pytest.mark.parametrize(("value", "message"), REFUSED, ids=named)
def test_refused_by_name(value: Any, message: str):
    with pytest.raises(UsageError) as refused:
        encode(value)
    assert message in str(refused.value)


def test_the_place_begins_the_path():
    with pytest.raises(UsageError, match=r"^field 'cart'\.total is NaN"):
        encode({"total": math.nan}, place="field 'cart'")


def test_a_set_whose_members_become_equal_is_refused():
    once = datetime(2026, 10, 1, 2, 30, tzinfo=zone())
    members = {once, once.astimezone(UTC)}
    assert len(members) == 2  # Python calls times that happen twice unequal to all others
    with pytest.raises(UsageError, match="equal once stored"):
        encode(members)


def test_the_limit_counts_the_stored_bytes():
    assert len(encode("x" * 97, limit=100)) == 100
    with pytest.raises(TooLarge, match=r"field 'x' takes 101 bytes, the limit is 100"):
        encode("x" * 98, limit=100, place="field 'x'")
    with pytest.raises(TooLarge, match=r"takes 11 bytes, the limit is 10"):
        encode(b"0123456789", limit=10)


# --- corrupt and newer --------------------------------------------------------------------------

CORRUPT: list[tuple[bytes, str]] = [
    (b"", "it is empty"),
    (b"z{}", "format byte 0x7a is unknown; it is corrupt, encrypted or written by a newer version"),
    (b"{}", "format byte 0x7b"),
    (b"j", "truncated"),
    (b't{"a":', "truncated"),
    (b"j1 2", "malformed"),
    (b"jNaN", "malformed"),
    (b"j1e999", "out of range"),
    (b'j"\xff"', "UTF-8"),
    (b's"\xff"', "UTF-8"),
    (b's"', "Unterminated"),
    (b"sNaN", "NaN is no JSON"),
    (b"s1e999", "out of range"),
    (b's{"a":1,"a":2}', "a key twice"),
    (b"s" + b"9" * 5000, "digits"),
    (b"j" + b"[" * 100_000, "nested too deeply"),
    (b"t" + b'{"$tk:tuple":[' * 100_000, "nested too deeply"),
    (b"u" + b"[" * 100_000, "nested too deeply"),
    (b't{"$tk:what":"x"}', "the tag '$tk:what' is unknown; a newer version"),
    (b't{"$tk:":1}', "is unknown"),
    (b't{"$tk:uuid":"x","a":1}', "a tag beside other keys"),
    (b't{"$tk:int":"0x1","$tk:uuid":"x"}', "a tag beside other keys"),
    (b't{"$tk:int":"0x1","$tk:int":"0x1"}', "a key twice"),
    (b't{"$tk:int":1}', "is no text"),
    (b't{"$tk:int":"12"}', "malformed"),
    (b't{"$tk:int":"0x_1"}', "malformed"),
    (b't{"$tk:bytes":"x"}', "malformed"),
    (b't{"$tk:bytes":"/w==/w=="}', "malformed"),
    ('t{"$tk:bytes":"ж"}'.encode(), "malformed"),
    (b't{"$tk:datetime":"2026-06-01T12:00:00"}', "malformed"),
    (b't{"$tk:datetime":"2026-06-01"}', "malformed"),
    (b't{"$tk:datetime":""}', "malformed"),
    (b't{"$tk:datetime":"2026-06-01T12:00:00+00:00:00.0000001"}', "malformed"),
    (b't{"$tk:decimal":"NaN"}', "malformed"),
    (b't{"$tk:decimal":" 1_0 "}', "malformed"),
    (b't{"$tk:decimal":"1E+9999999999999999999"}', "malformed"),
    (b't{"$tk:uuid":"x"}', "malformed"),
    (b't{"$tk:uuid":null}', "is no text"),
    (b't{"$tk:tuple":{"0":1}}', "is no list"),
    (b't{"$tk:set":"ab"}', "is no list"),
    (b't{"$tk:set":[1,1]}', "a member twice"),
    (b't{"$tk:set":[1,1.0]}', "a member twice"),
    (b't{"$tk:set":[[1]]}', "a member that no set can hold"),
]


@pytest.mark.parametrize(("data", "message"), CORRUPT, ids=lambda item: repr(item)[:50])
def test_corrupt_data_is_a_codec_error(data: bytes, message: str):
    for stored in (data, memoryview(data)):
        with pytest.raises(CodecError) as refused:
            decode(stored, place="field 'x'")
        assert str(refused.value).startswith("field 'x' cannot be read: ")
        assert message in str(refused.value)
        assert refused.value.context["place"] == "field 'x'"


def test_every_cut_of_a_text_is_refused():
    data = encode({"text": "Пловдив", "at": AT, "lone": HIGH, "set": {(1, b"x")}})
    for end in range(len(data)):
        with pytest.raises(CodecError):
            decode(data[:end])


def decodes_or_refuses(data: bytes) -> None:
    with contextlib.suppress(CodecError):
        decode(data)


@pytest.mark.parametrize("levels", [70, 300, 900, 3000])
@pytest.mark.parametrize("form", [b"j", b"t", b"s", b"u"])
def test_stored_nesting_raises_nothing_but_codec_error(form: bytes, levels: int):
    decodes_or_refuses(form + b"[" * levels + b"]" * levels)
    decodes_or_refuses(form + b'{"$tk:tuple":[' * levels + b"]}" * levels)


@given(st.binary(max_size=40), st.sampled_from([b"", b"j", b"t", b"s", b"u", b"b"]))
@settings(max_examples=400, deadline=None)
def test_random_bytes_raise_nothing_but_codec_error(data: bytes, form: bytes):
    decodes_or_refuses(form + data)


@given(VALUES, st.data())
@settings(max_examples=300, deadline=None)
def test_mutated_values_raise_nothing_but_codec_error(value: Any, data: st.DataObject):
    stored = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(stored) - 1))
        stored[at] = data.draw(st.sampled_from(b'tusj"{}[]:,$k0+-eE.\\\xff') | st.integers(0, 255))
    decodes_or_refuses(bytes(stored))


NAMES = ["int", "bytes", "datetime", "decimal", "uuid", "tuple", "set", "other"]
TAGS = [f"$tk:{name}" for name in NAMES]
JSON = st.recursive(
    st.none()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.sampled_from(["0x1f", "1.10", "2026-06-01T12:00:00+02:00", str(ID), "/w=="]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(TAGS) | KEYS, inner, max_size=2)
    ),
    max_leaves=8,
)


@given(JSON)
@example({"$tk:set": [{"$tk:tuple": [[]]}]})
@example({"$tk:datetime": "2026-06-01T12:00:00.000000000000+00"})
@settings(max_examples=300, deadline=None)
def test_any_tagged_json_raises_nothing_but_codec_error(parsed: Any):
    plain = encode(parsed)
    decodes_or_refuses({b"j": b"t", b"s": b"u", b"t": b"t", b"u": b"u"}[plain[:1]] + plain[1:])


# --- typed values -------------------------------------------------------------------------------


class Item(msgspec.Struct, rename="camel"):
    unit_price: Decimal
    bought_at: datetime | None = None
    color: Color = Color.RED
    tags: set[str] = msgspec.field(default_factory=set)
    note: str | msgspec.UnsetType = msgspec.UNSET


class Cat(msgspec.Struct, tag="cat"):
    lives: int


class Dog(msgspec.Struct, tag="dog", tag_field="kind"):
    name: str


class Pair(msgspec.Struct, array_like=True, tag=True):
    left: int
    right: float


@dataclasses.dataclass
class Plan:
    item: Item | None
    steps: Sequence[str] = ()
    raw: dict[str, bytes] = dataclasses.field(default_factory=dict)
    level: Level = Level.LOW
    seen: int = dataclasses.field(init=False, default=0)


@dataclasses.dataclass(slots=True, frozen=True)
class Seat:
    row: int
    where: tuple[float, float] | None = None


class Person(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str = pydantic.Field(alias="fullName", serialization_alias="full_name")
    born: datetime | None = None
    ids: set[uuid.UUID] = set()
    pair: tuple[int, str] = (1, "a")
    paid: Decimal = Decimal("1.10")
    photo: bytes = b""


class Badge(pydantic.BaseModel):
    color: Color
    seat: Seat
    photo: bytes = b""
    text: str = ""
    count: int = 0
    owner: Person | None = None


class Names(pydantic.RootModel[list[str]]):
    pass


@pydantic.dataclasses.dataclass
class Ticket:
    number: int
    color: Color = Color.RED
    owner: Person | None = None


class Holder(msgspec.Struct):
    people: list[Person]
    badge: Badge | None = None


class Flight(TypedDict):
    seat: Seat
    at: datetime


def person(**fields: Any) -> Person:
    return Person(**{"fullName": "Ann", **fields})


def unset() -> Any:
    return msgspec.UNSET


PERSON = person(born=AT, ids={ID}, photo=b"\xff", nick={"a": (1,)})
BADGE = Badge(color=Color.RED, seat=Seat(3, (1.5, -0.0)), photo=b"\xff", text=HIGH, owner=PERSON)
PLAIN_PERSON = {
    "name": "Ann",
    "born": AT,
    "ids": {ID},
    "pair": (1, "a"),
    "paid": Decimal("1.10"),
    "photo": b"\xff",
    "nick": {"a": (1,)},
}
PLAIN_BADGE = {
    "color": "red",
    "seat": {"row": 3, "where": (1.5, -0.0)},
    "photo": b"\xff",
    "text": HIGH,
    "count": 0,
    "owner": PLAIN_PERSON,
}
ITEM = Item(Decimal("1.10"), AT, tags={"a"})
PLAIN_ITEM = {"unitPrice": Decimal("1.10"), "boughtAt": AT, "color": "red", "tags": {"a"}}

TYPED: list[tuple[Any, Any, Any]] = [
    (ITEM, Item, PLAIN_ITEM),
    ({"a": [ITEM]}, dict[str, list[Item]], {"a": [PLAIN_ITEM]}),
    (Cat(9), Cat | None, {"type": "cat", "lives": 9}),
    (Dog("Rex"), Dog, {"kind": "dog", "name": "Rex"}),
    (Pair(1, 2.5), Pair, ["Pair", 1, 2.5]),
    (Plan(ITEM, ["a"], {"x": b"\xff"}), Plan, None),
    (Plan(None, []), Plan, {"item": None, "steps": [], "raw": {}, "level": 1, "seen": 0}),
    ([Seat(1), Seat(2, (1.0, 2.0))], list[Seat], None),
    ({"seat": Seat(1), "at": AT}, Flight, {"seat": {"row": 1, "where": None}, "at": AT}),
    (PERSON, Person, PLAIN_PERSON),
    ([PERSON], list[Person], [PLAIN_PERSON]),
    ({"a": PERSON, "b": None}, dict[str, Person | None], {"a": PLAIN_PERSON, "b": None}),
    (BADGE, Badge, PLAIN_BADGE),
    (Names(["a"]), Names, ["a"]),
    (Ticket(1, owner=PERSON), Ticket, {"number": 1, "color": "red", "owner": PLAIN_PERSON}),
    (Holder([PERSON], BADGE), Holder, {"people": [PLAIN_PERSON], "badge": PLAIN_BADGE}),
    (1, int, 1),
    (1, int | str, 1),
    ({1, 2}, set[int], {1, 2}),
    (AT, datetime, AT),
    (Decimal("1.10"), Decimal, Decimal("1.10")),
    (ID, uuid.UUID, ID),
    (b"x", bytes, b"x"),
    (2**80, int, 2**80),
    ("red", Literal["red"], "red"),
    (None, None, None),
    ([1], object, [1]),
    ([1], Any, [1]),
]


@pytest.mark.parametrize(("value", "type_", "plain"), TYPED, ids=named)
def test_typed_values_come_back_by_type(value: Any, type_: Any, plain: Any):
    data = encode(value)
    back = decode_as(data, type_)
    assert back == value
    assert type(back) is type(value)
    if plain is not None:
        assert shape(decode(data)) == shape(plain)


def test_what_a_type_may_ask_for():
    assert decode_as(encode(1), float) == 1.0
    assert decode_as(encode((1, 2)), list[int]) == [1, 2]
    assert decode_as(encode([1]), Point) == Point(1)
    assert decode_as(encode(Plan(None)), Plan) == Plan(None, [])
    assert decode_as(encode("red"), Color) is Color.RED
    assert decode_as(encode("2026-01-01"), date) == date(2026, 1, 1)
    assert decode_as(encode({"lives": 9, "type": "cat", "old": 1}), Cat) == Cat(9)


MISMATCHES: list[tuple[Any, Any, str]] = [
    ("1", int, "value does not fit type="),
    (1, str, "value does not fit type="),
    (True, int, "value does not fit type="),
    (1, bool, "value does not fit type="),
    (1.0, int, "value does not fit type="),
    (None, int, "value does not fit type="),
    (2**53 + 1, float, "value does not fit type=: stored as int"),
    ({"a": [0.5, 2**80 + 1]}, dict[str, list[float]], "value.a[1] does not fit"),
    ("2026-06-01T12:00:00Z", datetime, "value does not fit type="),
    ("1.10", Decimal, "value does not fit type="),
    (1, Decimal, "value does not fit type="),
    ("x", bytes, "value does not fit type="),
    (str(ID), uuid.UUID, "value does not fit type="),
    ([1, 1], set[int], "value does not fit type=: stored as list, the type makes it set"),
    ([[1, 1]], list[frozenset[int]], "value[0] does not fit"),
    ({1, 2}, list[int], "value does not fit type=: stored as set"),
    ([{"lives": "9"}], list[Cat], "value[0].lives does not fit"),
    ({"type": "dog", "lives": 1}, Cat, "value.type does not fit"),
    ({"unitPrice": "1.10"}, Item, "value.unitPrice does not fit"),
    ({"unitPrice": Decimal(1), "color": "secret"}, Item, "value.color does not fit"),
    ({"row": 1, "where": [1.0, 2**60 + 1]}, Seat, "value.where[1] does not fit"),
    ({"x": 1}, dict[int, int], "value (a key) does not fit"),
    ({"name": 1}, Person, "value.name does not fit"),
    ([{"name": "a", "ids": [str(ID)]}], list[Person], "value[0].ids does not fit"),
    ([{"name": "a", "ids": []}], list[Person], "value[0].ids does not fit"),
    (PLAIN_BADGE | {"color": "secret"}, Badge, "value.color does not fit"),
    (PLAIN_BADGE | {"count": "1"}, Badge, "value.count does not fit"),
    (PLAIN_BADGE | {"photo": "secret"}, Badge, "value.photo does not fit"),
    (PLAIN_BADGE | {"seat": {"row": "1"}}, Badge, "value.seat.row does not fit"),
    (PLAIN_BADGE | {"owner": {"name": "a", "paid": "1"}}, Badge, "value.owner.paid does not fit"),
    ({"people": [{"name": "a"}, {"name": 1}]}, Holder, "value.people[1].name does not fit"),
]


@pytest.mark.parametrize(("value", "type_", "message"), MISMATCHES, ids=lambda i: repr(i)[:40])
def test_a_mismatch_is_refused_by_name(value: Any, type_: Any, message: str):
    with pytest.raises(CodecError) as refused:
        decode_as(encode(value), type_)
    assert message in str(refused.value)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    "type_", [complex, set[int] | list[int], "Item", list["Item"], list[Person | Cat]]
)
def test_an_unusable_type_is_a_usage_error(type_: Any):
    with pytest.raises(UsageError, match="type= of value"):
        decode_as(encode([1]), type_)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Item(Decimal("NaN")), "value.unitPrice is a Decimal of NaN"),
        ([Plan(Item(Decimal(1), NAIVE))], "value[0].item.boughtAt is a datetime without"),
        (person(odd={1: 2}), "value.odd has a key of type int"),
        (Pair(unset(), 1.0), "value[1] is of type UnsetType"),
        ({Seat(1)}, "value has a member that holds a model"),
        ({"c": Color.RED, "i": ITEM}, "value.c is of type Color"),
        ([ITEM, Color.RED], "value[1] is of type Color"),
    ],
    ids=named,
)
def test_models_are_refused_like_other_values(value: Any, message: str):
    with pytest.raises(UsageError) as refused:
        encode(value)
    assert message in str(refused.value)


def test_a_model_that_holds_itself_is_refused():
    holder = Holder([])
    holder.people = [PERSON, person(inside=holder)]
    with pytest.raises(UsageError, match=r"value\.people\[1\]\.inside holds itself"):
        encode(holder)


def test_fields_that_are_not_set_are_left_out():
    assert decode(encode(Cat(unset()))) == {"type": "cat"}
    assert decode_as(encode(ITEM), Item).note is msgspec.UNSET


@dataclasses.dataclass
class Booking:
    day: date
    at: time
    lasts: timedelta


class BookingModel(pydantic.BaseModel):
    day: date
    at: time
    lasts: timedelta


@pytest.mark.parametrize("kind", [Booking, BookingModel])
def test_dates_inside_models_come_back_by_type(kind: type[Any]) -> None:
    made = kind(day=date(2026, 6, 1), at=time(9, 30), lasts=timedelta(hours=3, microseconds=5))
    stored = encode(made)
    assert decode_as(stored, kind, place="value") == made
    plain = decode(stored)
    assert isinstance(plain, dict)
    assert plain["day"] == "2026-06-01"
