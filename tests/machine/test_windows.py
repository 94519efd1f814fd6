"""Where a window begins, over histories that hypothesis draws and a store that really keeps them."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from threadkeep import Store
from threadkeep.layers.windows import tool_use
from threadkeep.model.records import Message

SHAPES = ("chat", "responses", "blocks")


def call(shape: str, ids: list[str]) -> list[dict[str, Any]]:
    """The messages that make calls with these ids."""
    if shape == "chat":
        return [{"role": "assistant", "tool_calls": [{"id": i, "type": "function"} for i in ids]}]
    if shape == "responses":
        return [{"type": "function_call", "call_id": i, "name": "f"} for i in ids]
    return [{"role": "assistant", "content": [{"type": "tool_use", "id": i} for i in ids]}]


def answer(shape: str, ids: list[str]) -> list[dict[str, Any]]:
    """The messages that bring the results of these calls."""
    if shape == "chat":
        return [{"role": "tool", "tool_call_id": i, "content": "1"} for i in ids]
    if shape == "responses":
        return [{"type": "function_call_output", "call_id": i, "output": "1"} for i in ids]
    return [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": i} for i in ids]}]


@st.composite
def histories(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Plain messages and calls with their results, also several groups in a row."""
    numbers = itertools.count(1)
    found: list[dict[str, Any]] = []
    for size in draw(st.lists(st.sampled_from((0, 0, 1, 1, 2, 5)), max_size=12)):
        if size == 0:
            found.append({"role": "user", "content": f"text {next(numbers)}"})
            continue
        shape = draw(st.sampled_from(SHAPES))
        ids = [f"call_{next(numbers)}" for _ in range(size)]
        found += [*call(shape, ids), *answer(shape, draw(st.permutations(ids)))]
    return found


@st.composite
def damaged(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Histories of which some messages are lost, as by a trim of another program."""
    return [message for message in draw(histories()) if draw(st.integers(0, 9))]


def kept(history: list[dict[str, Any]]) -> Store:
    store = Store("memory://")
    store.thread("t").messages.append(*history)
    return store


def lacking(window: list[Any], history: list[Any]) -> set[str]:
    """The calls that are made before the window and whose results are in it."""
    made, lacked = set[str](), set[str]()
    for message in window:
        use = tool_use(message)
        lacked |= use.results - made
        made |= use.calls
    before = history[: len(history) - len(window)]
    return lacked & {i for message in before for i in tool_use(message).calls}


def begins_with_orphan(window: list[Any]) -> bool:
    return bool(window) and bool(tool_use(window[0]).results)


def suffix(found: list[Message], history: list[Any]) -> list[Any]:
    """The values, after seeing that they are the end of the history."""
    values = [message.value for message in found]
    assert values == history[len(history) - len(values) :]
    assert [m.seq for m in found] == list(range(len(history) - len(values) + 1, len(history) + 1))
    return values


def longest(history: list[Any], last: int) -> int:
    """The length of the longest end that lacks no call and has at most `last` messages, 0 for none."""
    sizes = range(min(last, len(history)), 0, -1)
    return next((n for n in sizes if not lacking(history[-n:], history)), 0)


@given(histories(), st.integers(1, 20))
def test_a_window_is_the_longest_end_that_lacks_no_call(history: list[Any], last: int):
    with kept(history) as store:
        window = suffix(store.thread("t").messages.entries(last=last), history)
    assert not lacking(window, history)
    assert not begins_with_orphan(window)
    size = longest(history, last)
    if size or not history:
        assert len(window) == size
    else:  # the last group is longer than asked for, and comes whole
        assert len(window) > last
        assert all(lacking(history[-n:], history) for n in range(1, len(window)))


@given(histories(), st.integers(1, 20), st.integers(1, 40))
def test_a_window_before_a_number_is_that_of_the_history_until_there(
    history: list[Any], last: int, before: int
):
    with kept(history) as store, kept(history[: before - 1]) as shorter:
        window = store.thread("t").messages.list(last=last, before=before)
        assert window == shorter.thread("t").messages.list(last=last)


@given(damaged(), st.integers(1, 20))
def test_a_damaged_history_never_begins_with_an_orphan(history: list[Any], last: int):
    with kept(history) as store:
        window = suffix(store.thread("t").messages.entries(last=last), history)
    assert not lacking(window[:1], history)
    known = {i for message in history for i in tool_use(message).calls}
    assert not window or not tool_use(window[0]).results - known


@given(histories(), st.integers(0, 20))
def test_a_trim_keeps_what_was_asked_and_the_calls_that_belong_to_it(
    history: list[Any], keep_last: int
):
    with kept(history) as store:
        messages = store.thread("t").messages
        gone = messages.trim(keep_last=keep_last)
        left = messages.entries()
        assert messages.count() == len(left) == len(history) - gone
        again = messages.trim(keep_last=keep_last)
    values = suffix(left, history)
    assert again == 0
    assert not lacking(values, history)
    assert len(values) >= min(keep_last, len(history))
    if len(values) > max(keep_last, 0):  # no more than the calls asked for
        assert lacking(values[1:], history)
    assert keep_last or not values


@settings(max_examples=20)
@given(st.integers(60, 600))
def test_a_group_longer_than_any_look_back_comes_whole(size: int):
    ids = [f"call_{n}" for n in range(size)]
    history = [{"role": "user", "content": "go"}, *call("chat", ids), *answer("chat", ids)]
    with kept(history) as store:
        window = store.thread("t").messages.list(last=3)
        assert store.thread("t").messages.trim(keep_last=3) == 1
    assert window == history[1:]
