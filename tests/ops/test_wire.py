"""The wire form: what goes in comes out, and whatever else comes in is refused by name."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
from collections.abc import Callable
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.ops import wire_draws as draws
from threadkeep.errors import TooLarge, UsageError
from threadkeep.layers import ending, snapshots, transfer, turns
from threadkeep.model.leases import Lease
from threadkeep.model.refs import Ref
from threadkeep.ops import drafts, wire, wire_checks
from threadkeep.ops.batch import Batch
from threadkeep.ops.engine import Due, Query
from threadkeep.ops.ops import (
    AnyGuard,
    AnyOp,
    Append,
    Cut,
    Del,
    Drop,
    Epoch,
    Get,
    Head,
    Incr,
    Info,
    Item,
    Label,
    Missing,
    Now,
    Read,
    Restore,
    Revision,
    Same,
    Set,
    Touch,
)
from threadkeep.ops.reply import AnyResult, Number, Reply

MANY = 1 << 22
REF = Ref("n", "thread", "t")
FORMS: dict[str, tuple[st.SearchStrategy[Any], Callable[[Any], bytes], Callable[..., Any]]] = {
    "batch": (draws.batches, wire.encode_batch, wire.decode_batch),
    "reply": (draws.replies, wire.encode_reply, wire.decode_reply),
    "query": (draws.queries, wire.encode_query, wire.decode_query),
    "page": (draws.pages, wire.encode_page, wire.decode_page),
    "due": (draws.dues, wire.encode_due, wire.decode_due),
    "claims": (draws.claims, wire.encode_claims, wire.decode_claims),
}
DECODERS = tuple(decode for _, _, decode in FORMS.values())
messages = st.one_of(*(drawn.map(encode) for drawn, encode, _ in FORMS.values()))


def exactly(found: Any) -> bytes:
    """Return what tells 1 from 1.0 and True, and a tuple from a list."""
    return repr(found).encode("utf-8", "surrogatepass")


class TestRoundTrip:
    @pytest.mark.parametrize("form", FORMS)
    def test_whatever_is_drawn(self, form: str):
        drawn, encode, decode = FORMS[form]

        @settings(max_examples=200, deadline=None)
        @given(drawn)
        def check(message: Any) -> None:
            data = encode(message)
            for buffer in (data, bytearray(data), memoryview(data)):
                found = decode(buffer, limit=MANY)
                assert found == message
                assert exactly(found) == exactly(message)

        check()

    def test_every_operation_guard_and_result_is_drawn(self):
        reads = {Get, Read, Info, Now}
        assert {*draws.writes, *reads, Drop} == set(get_args(AnyOp))
        assert set(draws.guards) == set(get_args(AnyGuard))
        assert set(draws.results) == set(get_args(AnyResult))

    @pytest.mark.parametrize("kind", [*draws.writes, *draws.guards])
    def test_each_by_itself(self, kind: type):
        drawn = draws.writes[kind] if kind in draws.writes else draws.guards[kind]

        @settings(max_examples=50, deadline=None)
        @given(drawn)
        def check(part: Any) -> None:
            alone = Batch(REF, (part,)) if kind in draws.writes else Batch(REF, (), (part,))
            assert wire.decode_batch(wire.encode_batch(alone), limit=MANY) == alone

        check()

    def test_a_value_lies_in_the_message_as_it_is_and_is_copied_once(self):
        value = bytes(range(256)) * 40_000
        batch = Batch(REF, (Set("state", {"a": value}), Append("log", (value,))))
        tracemalloc.start()
        data = wire.encode_batch(batch)
        sent = tracemalloc.get_traced_memory()[1] - len(data)
        tracemalloc.reset_peak()
        before = tracemalloc.get_traced_memory()[0]
        found = wire.decode_batch(memoryview(data), limit=1 << 26)
        received = tracemalloc.get_traced_memory()[1] - before - 2 * len(value)
        tracemalloc.stop()
        assert found == batch
        assert data.count(value) == 2
        assert len(data) - 2 * len(value) < 300
        assert sent < 100_000
        assert received < 100_000


def framed(head: Any, *values: bytes, kind: bytes = b"B") -> bytes:
    body = head if isinstance(head, bytes) else msgspec.msgpack.encode(head)
    lengths = struct.pack(f">{len(values)}I", *map(len, values))
    start = struct.pack(">2sBcII", b"tk", 1, kind, len(body), len(values))
    return b"".join((start, lengths, body, *values))


def plain(*ops: Any, **more: Any) -> dict[str, Any]:
    ref = {"namespace": "n", "kind": "thread", "id": "t"}
    return {"ref": ref, "ops": list(ops), **more}


def refused(data: bytes, *words: str, limit: int = MANY, trusted: bool = False):
    with pytest.raises(UsageError) as caught:
        wire.decode_batch(data, limit=limit, trusted=trusted)
    for word in words:
        assert word in str(caught.value)


class TestFrame:
    DATA = wire.encode_batch(Batch(REF, (Set("state", {"a": b"jtrue", "b": b"j1"}),)))

    def test_every_cut_is_refused(self):
        for end in range(len(self.DATA)):
            refused(self.DATA[:end])
        refused(self.DATA[:3], "cut off after 3 bytes")
        refused(self.DATA[:-1], "cut off", str(len(self.DATA)))

    def test_trailing_bytes(self):
        refused(self.DATA + b"\0", "goes on after its end")

    def test_unknown_version(self):
        refused(b"tk\x02" + self.DATA[3:], "wire version 2 is unknown")

    def test_something_else(self):
        refused(b"HTTP/1.1 200 OK\r\n", "no message of threadkeep")

    def test_another_kind_of_message(self):
        refused(wire.encode_reply(Reply(ok=True, results=())), "expected a batch, got a reply")
        refused(framed(plain(), kind=b"?"), "unknown kind")
        with pytest.raises(UsageError, match="expected a query, got a batch"):
            wire.decode_query(self.DATA, limit=MANY)

    @pytest.mark.parametrize("form", FORMS)
    def test_over_the_limit(self, form: str):
        decode = FORMS[form][2]
        with pytest.raises(TooLarge, match="the limit is 100"):
            decode(bytes(101), limit=100)

    def test_promised_lengths_allocate_nothing(self):
        lies = [
            struct.pack(">2sBcII", b"tk", 1, b"B", 2**32 - 1, 0),
            struct.pack(">2sBcII", b"tk", 1, b"B", 0, 2**32 - 1),
            struct.pack(">2sBcIII", b"tk", 1, b"B", 0, 1, 2**32 - 1),
            framed(b"\xdd\xff\xff\xff\xff"),
            framed(b"\xdf\xff\xff\xff\xff"),
            framed(b"\xdb\xff\xff\xff\xff"),
        ]
        tracemalloc.start()
        for lie in lies:
            refused(lie)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 200_000

    def test_a_batch_of_too_large_a_value_is_not_sent(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr(wire, "_LONGEST", 1_000)
        with pytest.raises(TooLarge):
            wire.encode_batch(Batch(REF, (Set("state", {"a": bytes(1_001)}),)))


class TestShape:
    @pytest.mark.parametrize(
        ("head", "words"),
        [
            (plain({"type": "explode"}), ["explode"]),
            (plain({}), ["type"]),
            (plain({"type": "info", "x": 1}), ["x"]),
            (plain({"type": "get", "map": "m", "nested": {}}), ["nested"]),
            (plain(guards=[{"type": "never"}]), ["never"]),
            (plain(guards=[{"type": "missing", "map": "m", "field": "f", "x": 1}]), ["x"]),
            (plain(extra=1), ["extra"]),
            (plain({"type": "set", "map": 1, "items": {}}), ["str", "int"]),
            (plain({"type": "set", "map": "m", "items": []}), ["object", "array"]),
            (plain({"type": "set", "map": "m"}), ["items"]),
            (plain({"type": "incr", "map": "m", "field": "f", "by": True}), ["bool"]),
            (plain({"type": "incr", "map": "m", "field": "f", "by": "1"}), ["str"]),
            (plain({"type": "get", "map": "m", "renew": 1}), ["bool", "int"]),
            (plain({"type": "read", "log": "l", "limit": True}), ["bool"]),
            (plain({"type": "read", "log": "l", "limit": 1.5}), ["float"]),
            (plain(otherwise=[{"type": "drop"}]), ["drop"]),
            ([], ["object", "array"]),
            (None, ["object"]),
            (b"", ["truncated"]),
            (b"\xc1", ["malformed"]),
            (msgspec.msgpack.encode(plain()) + b"\xc0", ["trailing"]),
            (b"\x81\xa3ref\xa1\xff", []),
            (b"\x91" * 100_000 + b"\xc0", []),
            (b"\x81\x90\xc0", []),
            (b"\xd6\xff\0\0\0\0", []),
        ],
    )
    def test_refused(self, head: Any, words: list[str]):
        refused(framed(head), *words)

    def test_values_are_named_once_each(self):
        one = {"type": "set", "map": "m", "items": {"a": 0}}
        assert wire.decode_batch(framed(plain(one), b"v"), limit=MANY).ops == (
            Set("m", {"a": b"v"}),
        )
        refused(framed(plain(one)), "value 0 is named, the message holds 0")
        refused(framed(plain(one, one), b"v"), "value 0 is named twice")
        refused(framed(plain(one), b"v", b"w"), "value 1 is not named by anything")
        for index in (-1, True, 1.0, "0", None, b"v", 2**70 // 2**7):
            refused(framed(plain({**one, "items": {"a": index}}), b"v"))

    def test_a_value_inside_the_head_is_no_value(self):
        refused(framed(plain({"type": "append", "log": "l", "items": [b"v"]})))

    def test_a_field_given_twice_leaves_a_value_over(self):
        twice = b"\x82\xa1a\x00\xa1a\x01"
        head = msgspec.msgpack.encode(plain({"type": "set", "map": "m", "items": {"a": 0, "b": 1}}))
        assert b"\x82\xa1a\x00\xa1b\x01" in head
        refused(framed(head.replace(b"\x82\xa1a\x00\xa1b\x01", twice), b"v", b"w"), "not named")


BAD_NAMES = ("", "a\nb", "\x00", "\x7f", "x" * 600, "ü" * 300)


class TestNames:
    @pytest.mark.parametrize("name", BAD_NAMES)
    def test_names_that_cannot_be(self, name: str):
        batch = Batch(REF, ())
        bad_refs = [Ref(name, "thread", "t"), Ref("n", "thread", name), Ref("n", name, "t")]
        ops: list[AnyOp] = [
            Get(name),
            Get("m", (name,)),
            Get("m", refs=name),
            Read(name),
            Read("l", ids=(name,)),
            Read("l", refs=name),
            Set(name, {"a": b""}),
            Set("m", {name: b""}),
            Set("m", {"a": b""}, refs={"a": (name,)}),
            Set("m", {"a": b""}, refs={name: ("a",)}),
            Del(name),
            Del("m", (name,)),
            Incr(name, "a"),
            Incr("m", name),
            Append(name, (b"",)),
            Append("l", (b"",), (name,)),
            Append("l", (b"",), refs=((name,),)),
            Cut(name, keep=1),
            Touch(name),
            Touch("m", (name,)),
            Label({name: "x"}),
            Label({"x": name}),
            Restore(name, ()),
            Restore("l", (Item(1, b"", name),)),
            Restore("l", (Item(1, b"", refs=(name,)),)),
        ]
        if name:
            ops += [Get("m", prefix=name), Del("m", prefix=name)]
        guards = [Missing(name, "a"), Missing("m", name), Same(name, "a", 1), Same("m", name, 1)]
        guards += [Head(name, 1), Epoch(name)]
        bad = [
            *(replace(batch, ref=ref) for ref in bad_refs),
            *(replace(batch, ops=(op,)) for op in ops),
            *(replace(batch, guards=(guard,)) for guard in guards),
            replace(batch, otherwise=(Get(name),)),
            replace(batch, once=name),
        ]
        for one in bad:
            refused(wire.encode_batch(one))

    def test_lone_surrogates_are_not_even_sent(self):
        with pytest.raises(UsageError, match="cannot be sent"):
            wire.encode_batch(Batch(REF, (Get("\ud800"),)))

    def test_no_other_kind(self):
        refused(wire.encode_batch(Batch(Ref("n", "nothing", "t"), ())), "nothing")

    def test_map_log_and_label_names_are_short(self):
        long = "x" * 129
        for op in (Get(long), Read(long), Label({long: "a"}), Label({"a": "x" * 513})):
            refused(wire.encode_batch(Batch(REF, (op,))), "the limit is")
        fits = Batch(REF, (Get("x" * 128, ("y" * 512,)), Label({"l" * 128: "v" * 512})))
        assert wire.decode_batch(wire.encode_batch(fits), limit=MANY) == fits


HIDDEN_OPS: list[Callable[[str], Batch]] = [
    lambda m: Batch(REF, (Get(m),)),
    lambda m: Batch(REF, (Get("m", refs=m),)),
    lambda m: Batch(REF, (Read("l", refs=m),)),
    lambda m: Batch(REF, (Set(m, {"a": b""}),)),
    lambda m: Batch(REF, (Del(m),)),
    lambda m: Batch(REF, (Incr(m, "a"),)),
    lambda m: Batch(REF, (Touch(m),)),
    lambda m: Batch(REF, (), (Missing(m, "a"),)),
    lambda m: Batch(REF, (), (Same(m, "a", 1),)),
    lambda m: Batch(REF, (), (), (Get(m),)),
]


class TestHidden:
    @pytest.mark.parametrize("make", HIDDEN_OPS)
    def test_maps(self, make: Callable[[str], Batch]):
        for shared in wire_checks.MAPS:
            assert wire.decode_batch(wire.encode_batch(make(shared)), limit=MANY) == make(shared)
        other = wire.encode_batch(make("#other"))
        refused(other, "'#other'", "keeps for itself")
        assert wire.decode_batch(other, limit=MANY, trusted=True) == make("#other")
        for trusted in (False, True):
            refused(wire.encode_batch(make("#once")), "'#once'", trusted=trusted)

    def test_labels_and_logs(self):
        mark = Batch(REF, (Label({"#snapshot": "1"}),))
        assert wire.decode_batch(wire.encode_batch(mark), limit=MANY) == mark
        refused(wire.encode_batch(Batch(REF, (Label({"#other": "1"}),))), "'#other'")
        refused(wire.encode_batch(Batch(REF, (Read("#log"),))), "'#log'")
        refused(wire.encode_batch(Batch(REF, (), (Head("#log", 1),))), "'#log'")
        listing = Query(namespace="n", kind="thread", labels=(("#other", "1"),))
        data = wire.encode_query(listing)
        with pytest.raises(UsageError, match="#other"):
            wire.decode_query(data, limit=MANY)
        assert wire.decode_query(data, limit=MANY, trusted=True) == listing

    def test_what_the_layers_use_passes(self):
        known = {turns.MAP, ending.MAP, drafts.MAP, transfer.MARK_MAP}
        assert known == wire_checks.MAPS
        assert {snapshots.MARK} == wire_checks.LABELS


class TestNumbers:
    @pytest.mark.parametrize(
        "op",
        [
            Incr("m", "a", float("nan")),
            Incr("m", "a", float("inf")),
            Incr("m", "a", float("-inf")),
            Incr("m", "a", 2**63),
            Read("l", after=-1),
            Read("l", before=-1),
            Read("l", limit=-1),
            Read("l", limit=2**63),
            Cut("l"),
            Cut("l", keep=-1),
            Cut("l", before=-1),
            Cut("l", newest=-1),
            Cut("l", keep=1, before=1),
            Set("m", {}, Lease(window=0)),
            Set("m", {}, Lease(window=-1)),
            Set("m", {}, Lease(end=2**63)),
            Touch(lease=Lease(window=-5)),
            Append("l", (b"",), ("a", "b")),
            Append("l", (b"",), ()),
            Append("l", (b"",), refs=((), ())),
            Restore("l", (), -1),
            Restore("l", (), 2**32),
            Restore("l", (Item(0, b""),)),
            Restore("l", (Item(2**33 + 1, b""),)),
            Restore("l", (Item(1, b"", at=-1),)),
            Restore("l", (Item(1, b""), Item(1, b""))),
            Drop(),
        ],
    )
    def test_operations(self, op: AnyOp):
        ops = (op, Label({})) if isinstance(op, Drop) else (op,)
        refused(wire.encode_batch(Batch(REF, ops)))

    @pytest.mark.parametrize(
        "guard", [Revision(-1), Same("m", "a", -1), Head("l", -1), Revision(2**63)]
    )
    def test_guards(self, guard: AnyGuard):
        refused(wire.encode_batch(Batch(REF, (), (guard,))))

    @pytest.mark.parametrize("by", [2**64, -(2**63) - 1])
    def test_integers_beyond_messagepack_are_not_sent(self, by: int):
        with pytest.raises(UsageError, match="cannot be sent"):
            wire.encode_batch(Batch(REF, (Incr("m", "a", by),)))

    def test_queries_claims_and_replies(self):
        wrong: list[tuple[Callable[..., Any], bytes]] = [
            (wire.decode_query, wire.encode_query(Query(namespace="n", kind="thread", limit=0))),
            (wire.decode_query, wire.encode_query(Query(namespace="", kind="thread"))),
            (wire.decode_query, wire.encode_query(Query(namespace="n", kind="x"))),
            (wire.decode_query, wire.encode_query(Query(namespace="n", kind="thread", after="\n"))),
            (wire.decode_due, wire.encode_due(Due(lease=0))),
            (wire.decode_due, wire.encode_due(Due(lease=1, limit=-1))),
            (wire.decode_due, wire.encode_due(Due(lease=1, token=-1))),
            (wire.decode_due, wire.encode_due(Due(lease=1, namespace="\n"))),
            (wire.decode_due, wire.encode_due(Due(lease=1, ref=Ref("n", "x", "t")))),
            (wire.decode_reply, wire.encode_reply(Reply(True, (Number(float("nan")),)))),
            (wire.decode_reply, wire.encode_reply(Reply(True, (), -1))),
        ]
        for decode, data in wrong:
            with pytest.raises(UsageError):
                decode(data, limit=MANY)


def survives(data: bytes):
    """Decode as everything; only UsageError may come out."""
    for decode in DECODERS:
        with contextlib.suppress(UsageError):
            decode(data, limit=MANY)


plain_data = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=6)
    | st.binary(max_size=6)
    | st.sampled_from(("set", "get", "append", "state", "n", "thread")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ("ref", "ops", "type", "map", "items", "log", "guards", "results", "ok")
            )
            | st.text(max_size=4),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


class TestFuzz:
    @settings(max_examples=700, deadline=None)
    @given(st.binary(max_size=200))
    def test_random_bytes(self, data: bytes):
        survives(data)

    @settings(max_examples=500, deadline=None)
    @given(
        st.sampled_from(b"BRQPDC"),
        st.binary(max_size=60),
        st.lists(st.binary(max_size=5), max_size=3),
    )
    def test_random_heads(self, kind: int, head: bytes, values: list[bytes]):
        survives(framed(head, *values, kind=bytes([kind])))

    @settings(max_examples=500, deadline=None)
    @given(st.sampled_from(b"BRQPDC"), plain_data, st.lists(st.binary(max_size=5), max_size=3))
    def test_heads_of_any_shape(self, kind: int, head: Any, values: list[bytes]):
        survives(framed(msgspec.msgpack.encode(head), *values, kind=bytes([kind])))

    @settings(max_examples=700, deadline=None)
    @given(messages, st.data())
    def test_changed_messages(self, message: bytes, data: st.DataObject):
        changed = bytearray(message)
        for _ in range(data.draw(st.integers(1, 4))):
            at = data.draw(st.integers(0, len(changed) - 1))
            what = data.draw(st.sampled_from(("flip", "set", "cut", "insert")))
            if what == "flip":
                changed[at] ^= 1 << data.draw(st.integers(0, 7))
            elif what == "set":
                changed[at] = data.draw(st.integers(0, 255))
            elif what == "cut" and len(changed) > 1:
                del changed[at]
            else:
                changed.insert(at, data.draw(st.integers(0, 255)))
        survives(bytes(changed))
