"""What of a call is sent again, and when it is given up: no server needed."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep.engines.redis.links.errand import Errand, Step
from threadkeep.engines.redis.links.errors import Closed, Late, Lost, ServerError, Unready
from threadkeep.engines.redis.links.script import Script, pack
from threadkeep.engines.redis.links.settings import Settings
from threadkeep.engines.redis.links.slots import Address, read_slots, read_target, slot_of
from threadkeep.errors import Timeout, Unavailable

HERE, THERE = Address("here", 1), Address("there", 2)
SETTINGS = Settings((HERE,), timeout=5, failover_timeout=30)
SCRIPT = Script.of("return 1")


def errand(*commands: Any, again: bool = False, settings: Settings = SETTINGS) -> Errand:
    return Errand(commands, settings, 100.0, again=again)


def refused(text: str) -> ServerError:
    return ServerError.parse(text)


def test_only_the_unknown_script_is_sent_again_with_its_text() -> None:
    call = errand((SCRIPT, 0), ("GET", "a"))
    assert call.payload == pack(("EVALSHA", SCRIPT.sha, 0)) + pack(("GET", "a"))
    assert call.take([refused("NOSCRIPT no"), b"x"], HERE) is Step.SEND
    assert (call.payload, call.count) == (pack(("EVAL", SCRIPT.body, 0)), 1)
    assert call.take([7], HERE) is Step.DONE
    assert call.results == [7, b"x"]


def test_moved_names_the_new_owner() -> None:
    call = errand(("GET", "a"))
    assert call.take([refused("MOVED 3999 there:2")], HERE) is Step.SEND
    assert call.moved == (3999, THERE)
    assert call.take([b"x"], THERE) is Step.DONE


def test_ask_asks_before_each_command() -> None:
    call = errand(("GET", "a"), ("GET", "b"), ("GET", "c"))
    ask = refused("ASK 3999 there:2")
    assert call.take([b"a", ask, ask], HERE) is Step.SEND
    assert (call.asked, call.count) == (THERE, 4)
    asking = pack(("ASKING",))
    assert call.payload == asking + pack(("GET", "b")) + asking + pack(("GET", "c"))
    assert call.take([b"OK", b"b", b"OK", refused("TRYAGAIN multiple keys")], THERE) is Step.WAIT
    assert (call.asked, call.payload) == (None, pack(("GET", "c")))
    assert call.take([b"c"], HERE) is Step.DONE
    assert call.results == [b"a", b"b", b"c"]


def test_a_transaction_is_sent_again_whole() -> None:
    commands = (("MULTI",), ("GET", "a"), ("EXEC",))
    call = errand(*commands)
    abort = refused("EXECABORT discarded")
    assert call.take([b"OK", refused("MOVED 1 there:2"), abort], HERE) is Step.SEND
    assert call.count == 3
    assert call.take([b"OK", refused("ASK 1 here:1"), abort], THERE) is Step.WAIT
    assert call.asked is None  # ASKING does not reach into a transaction
    assert call.take([b"OK", b"QUEUED", refused("TRYAGAIN no")], THERE) is Step.WAIT
    assert call.take([b"OK", b"QUEUED", [b"x"]], THERE) is Step.DONE
    assert call.results == [b"OK", b"QUEUED", [b"x"]]


@pytest.mark.parametrize("code", ["CLUSTERDOWN", "READONLY"])
def test_a_node_that_is_no_primary(code: str) -> None:
    assert errand(("GET", "a")).take([refused(f"{code} x")], HERE) is Step.LOOK


@pytest.mark.parametrize("code", ["LOADING", "MASTERDOWN", "BUSY", "TRYAGAIN"])
def test_a_refusal_is_waited_for_longer(code: str) -> None:
    call = errand(("GET", "a"))
    assert call.take([refused(f"{code} x")], HERE) is Step.WAIT
    assert 0 < call.pause(129.9) < 0.1
    with pytest.raises(Unavailable, match="given up after 30 s"):
        call.pause(129.999)  # no time would be left for an answer
    with pytest.raises(Unavailable, match=f"given up after 30 s: .*{code}") as caught:
        call.pause(130.0)
    assert not caught.value.maybe_applied


def test_redirections_in_a_circle_are_slowed_down() -> None:
    call = errand(("GET", "a"))
    steps = [call.take([refused("MOVED 1 there:2")], HERE) for _ in range(5)]
    assert steps == [Step.SEND] * 3 + [Step.WAIT] * 2


def test_errors_of_the_call_itself_are_results() -> None:
    call = errand(("A",), ("B",))
    assert call.take([refused("ERR x"), refused("OOM y")], HERE) is Step.DONE
    assert [one.code for one in call.results] == ["ERR", "OOM"]


def test_a_lost_connection() -> None:
    assert errand(("A",)).judge(Lost("x", sent=False), HERE, 101.0) is Step.LOOK
    assert errand(("A",), again=True).judge(Lost("x", sent=True), HERE, 101.0) is Step.LOOK
    with pytest.raises(Unavailable) as caught:
        errand(("A",)).judge(Lost("x", sent=True), HERE, 101.0)
    assert caught.value.maybe_applied
    call = errand(("A",), again=True)
    call.judge(Lost("x", sent=True), HERE, 101.0)
    with pytest.raises(Unavailable) as caught:
        call.pause(105.0)
    assert caught.value.maybe_applied


def test_a_closed_store_is_not_waited_for() -> None:
    with pytest.raises(Unavailable, match="closed") as caught:
        errand(("A",), again=True).judge(Closed("the store is closed"), None, 101.0)
    assert not caught.value.maybe_applied


def test_a_late_answer() -> None:
    with pytest.raises(Timeout, match="here:1 did not answer within 5 s") as caught:
        errand(("A",), again=True).judge(Late(), HERE, 105.0)
    assert caught.value.maybe_applied


def test_one_server_is_waited_for_shortly_and_others_until_one_takes_over() -> None:
    assert errand(("A",)).limit == 105
    assert errand(("A",), settings=Settings((HERE,), mode="cluster")).limit == 130
    call = errand(("A",))
    call.judge(Unready("it loads"), HERE, 101.0)
    assert call.limit == 130


def test_no_answer_is_waited_for_beyond_the_limit() -> None:
    call = errand(("A",))
    assert call.until(101.0) == 105
    call.take([refused("LOADING x")], HERE)
    assert call.until(101.0) == 106


@pytest.mark.parametrize(
    ("key", "slot"),
    [
        (b"", 0),
        (b"foo", 12182),
        (b"123456789", 12739),
        (b"{user1000}.following", 3443),
        (b"{user1000}.followers", 3443),
        (b"foo{}{bar}", 8363),
        (b"foo{{bar}}zap", 4015),
        (b"foo{bar}{zap}", 5061),
    ],
)
def test_the_slot_of_a_key(key: bytes, slot: int) -> None:
    assert slot_of(key) == slot


def test_nodes_without_a_name_are_those_that_answer() -> None:
    assert read_target("7 :6381", HERE) == (7, Address("here", 6381))
    assert read_target("7 ::1:6381", HERE) == (7, Address("::1", 6381))
    slots = [[0, 5, [b"", 1, b"id"], [b"r", 9, b"id"]], [9, 9, [None, 1]], [6, 8, [b"there", 2]]]
    assert read_slots(slots, HERE) == {HERE: [(0, 5), (9, 9)], THERE: [(6, 8)]}
