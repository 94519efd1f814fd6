# Generated from src/threadkeep/testing/_async/windows.py by scripts/unasync. Do not edit.
"""Tool calls and their results stay together: in windows and when the history is trimmed."""

from __future__ import annotations

from typing import Any

import pytest

from threadkeep._sync.store import Store
from threadkeep.layers.windows import ToolUse
from threadkeep.testing._sync.fixtures import MakeStore

Message = dict[str, Any]


def chat(calls: list[str]) -> list[Message]:
    """Return a call and its results as OpenAI's chat completions have them."""
    made = [{"id": i, "type": "function", "function": {"name": "f"}} for i in calls]
    return [
        {"role": "assistant", "content": None, "tool_calls": made},
        *({"role": "tool", "tool_call_id": i, "content": "42"} for i in calls),
    ]


def responses(calls: list[str]) -> list[Message]:
    """Return a call and its results as OpenAI's responses have them."""
    return [
        *({"type": "function_call", "call_id": i, "name": "f", "arguments": "{}"} for i in calls),
        *({"type": "function_call_output", "call_id": i, "output": "42"} for i in calls),
    ]


def anthropic(calls: list[str]) -> list[Message]:
    """Return a call and its results as Anthropic's messages have them."""
    made: list[Message] = [{"type": "tool_use", "id": i, "name": "f", "input": {}} for i in calls]
    results = [{"type": "tool_result", "tool_use_id": i, "content": "42"} for i in calls]
    return [
        {"role": "assistant", "content": [{"type": "text", "text": "let me see"}, *made]},
        {"role": "user", "content": [*results, {"type": "text", "text": "and?"}]},
    ]


def own(calls: list[str]) -> list[Message]:
    """Return a call and its results in a shape that only `own_rule` knows."""
    return [{"asks": calls}, *({"answers": [i]} for i in calls)]


def own_rule(message: Any) -> ToolUse:
    """Find calls and results in messages that `own` makes."""
    return ToolUse(frozenset(message.get("asks", ())), frozenset(message.get("answers", ())))


SHAPES = {"chat": chat, "responses": responses, "anthropic": anthropic, "own": own}


def results_of(message: Message) -> set[str]:
    """Return the calls whose results a message brings, in any of the shapes."""
    found = {message.get("tool_call_id"), *message.get("answers", ())}
    if message.get("type") == "function_call_output":
        found.add(message["call_id"])
    for part in message.get("content") or ():
        if isinstance(part, dict):
            found.add(part.get("tool_use_id"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    return {i for i in found if i}


def calls_of(message: Message) -> set[str]:
    """Return the calls that a message makes, in any of the shapes."""
    found = {call["id"] for call in message.get("tool_calls", ())} | set(message.get("asks", ()))
    if message.get("type") == "function_call":
        found.add(message["call_id"])
    for part in message.get("content") or ():
        if isinstance(part, dict) and part.get("type") == "tool_use":  # pyright: ignore[reportUnknownMemberType]
            found.add(part["id"])
    return found


def orphans(messages: list[Message]) -> set[str]:
    """Return the calls whose results are there and which are not."""
    made: set[str] = set()
    missing: set[str] = set()
    for message in messages:
        missing |= results_of(message) - made
        made |= calls_of(message)
    return missing


def conversation(shape: str) -> list[Message]:
    """Return a conversation with single, parallel and chained calls."""
    make = SHAPES[shape]
    return [
        {"role": "user", "content": "1"},
        *make(["a"]),
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "3"},
        *make(["b", "c", "d"]),
        *make(["e"]),
        *make(["f"]),
        {"role": "assistant", "content": "4"},
        {"role": "user", "content": "5"},
        *make(["g", "h"]),
    ]


class TestWindows:
    """A window never starts with an orphan tool result."""

    @pytest.fixture
    def store_of(self, make_store: MakeStore, store: Store) -> dict[str, Store]:
        return dict.fromkeys(SHAPES, store) | {"own": make_store(tool_rule=own_rule)}

    @pytest.mark.parametrize("shape", SHAPES)
    def test_every_window(self, store_of: dict[str, Store], shape: str) -> None:
        whole = conversation(shape)
        messages = store_of[shape].thread("t").messages
        messages.append(*whole, ids=[None] * len(whole))
        for last in range(1, len(whole) + 3):
            window = messages.list(last=last)
            assert window
            assert window == whole[-len(window) :]
            assert orphans(window) == set()
            if len(window) > last:  # a call and its results, whole: they are all there is
                assert results_of(window[1]) | results_of(window[-1])
                assert all(results_of(m) or calls_of(m) for m in whole[-last:])

    @pytest.mark.parametrize("shape", SHAPES)
    def test_every_window_before_a_message(self, store_of: dict[str, Store], shape: str) -> None:
        whole = conversation(shape)
        messages = store_of[shape].thread("t").messages
        messages.append(*whole, ids=[None] * len(whole))
        for before in range(2, len(whole) + 2):
            for last in (1, 2, 4):
                window = messages.list(last=last, before=before)
                assert window == whole[: before - 1][-len(window) :]
                assert window
                assert orphans(window) == set()

    @pytest.mark.parametrize("shape", SHAPES)
    def test_every_trim(self, store_of: dict[str, Store], shape: str) -> None:
        whole = conversation(shape)
        for keep in range(1, len(whole) + 2):
            messages = store_of[shape].thread(f"t{keep}").messages
            messages.append(*whole, ids=[None] * len(whole))
            gone = messages.trim(keep_last=keep)
            left = messages.list()
            assert left == whole[gone:]
            assert len(left) >= min(keep, len(whole))
            assert orphans(left) == set()
            assert messages.trim(keep_last=keep) == 0

    @pytest.mark.parametrize("shape", SHAPES)
    def test_many_results_of_one_call(self, store_of: dict[str, Store], shape: str) -> None:
        group = SHAPES[shape]([f"c{n}" for n in range(150)])
        whole = [{"role": "user", "content": "1"}, *group]
        messages = store_of[shape].thread("t").messages
        messages.append(*whole, ids=[None] * len(whole))
        for last in (1, 10, 140):
            window = messages.list(last=last)
            assert window
            assert orphans(window) == set()
        messages.trim(keep_last=10)
        left = messages.list()
        assert len(left) >= min(10, len(whole))
        assert orphans(left) == set()

    def test_a_result_whose_call_never_was(self, store: Store) -> None:
        lost: Message = {"role": "tool", "tool_call_id": "lost", "content": "42"}
        said: Message = {"role": "user", "content": "hi"}
        messages = store.thread("t").messages
        messages.append(lost, said, said, said)
        assert messages.list(last=4) == [said] * 3
        assert messages.list() == [lost, said, said, said]

    def test_what_looks_like_nothing_known_passes(self, store: Store) -> None:
        odd: list[Any] = [
            "text",
            None,
            7,
            {"tool_calls": "none"},
            {"role": "tool"},
            {"role": "tool", "tool_call_id": 7},
            {"content": [None, "x", {"type": "tool_result"}]},
            {"type": "function_call_output"},
        ]
        messages = store.thread("t").messages
        messages.append(*odd)
        for last in range(1, len(odd) + 1):
            assert messages.list(last=last) == odd[-last:]
        assert messages.trim(keep_last=3) == len(odd) - 3
