"""Several messages in one body, and failures in the place of replies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ops import wire_draws as draws
from threadkeep import UsageError
from threadkeep.ops import wire
from threadkeep.ops.reply import Reply
from threadkeep.ops.wire import Failure

MANY = 1 << 26
FAILURE = Failure(429, b'{"error": "too many"}', "2")


@given(st.lists(draws.batches, min_size=1, max_size=5))
def test_messages_come_apart_as_they_were_put_together(batches: list) -> None:
    messages = [wire.encode_batch(batch) for batch in batches]
    found = wire.split(b"".join(messages), most=5)
    assert [bytes(one) for one in found] == messages


@given(st.lists(draws.batches, min_size=1, max_size=3), st.data())
def test_a_part_of_them_is_refused(batches: list, data: st.DataObject) -> None:
    whole = b"".join(wire.encode_batch(batch) for batch in batches)
    ends = {0, len(whole)}
    at = 0
    for one in wire.split(whole, most=3):
        at += len(one)
        ends.add(at)
    cut = data.draw(st.integers(0, len(whole)))
    if cut not in ends or cut == 0:
        with pytest.raises(UsageError, match="cut off"):
            wire.split(whole[:cut], most=3)


@given(st.binary(max_size=64))
def test_whatever_comes_is_split_or_refused(data: bytes) -> None:
    try:
        found = wire.split(data, most=4)
    except UsageError:
        return
    assert b"".join(found) == data


def test_so_many_at_most() -> None:
    one = wire.encode_failure(FAILURE)
    assert len(wire.split(one * 4, most=4)) == 4
    with pytest.raises(UsageError, match="more than 4"):
        wire.split(one * 5, most=4)


def test_an_answer_is_a_reply_or_a_failure() -> None:
    reply = Reply(True, (), 3, "e")
    assert wire.decode_answer(wire.encode_reply(reply), limit=MANY) == reply
    assert wire.decode_answer(wire.encode_failure(FAILURE), limit=MANY) == FAILURE
    for wrong in (wire.encode_failure(Failure(200, b"")), b"", b"tk\x01F", wire.encode_claims(())):
        with pytest.raises(UsageError):
            wire.decode_answer(wrong, limit=MANY)
