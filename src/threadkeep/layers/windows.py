"""Where a window of messages may begin: never with the result of a tool call that lies before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, cast


class ToolUse(NamedTuple):
    """The ids of the tool calls that a message makes and of those whose results it brings."""

    calls: frozenset[str]
    results: frozenset[str]


ToolRule = Callable[[Any], ToolUse]
NO_TOOLS = ToolUse(frozenset(), frozenset())


def tool_use(message: Any) -> ToolUse:
    """Find tool calls and results in messages of OpenAI (chat and responses) and Anthropic shape."""
    if not isinstance(message, dict):
        return NO_TOOLS
    found = cast("dict[str, Any]", message)
    calls: set[str] = set()
    results: set[str] = set()
    for call in _dicts(found.get("tool_calls")):
        _add(calls, call.get("id"))
    if found.get("role") == "tool":
        _add(results, found.get("tool_call_id"))
    for part in [found, *_dicts(found.get("content"))]:
        kind = part.get("type")
        if kind == "tool_use":
            _add(calls, part.get("id"))
        elif kind == "tool_result":
            _add(results, part.get("tool_use_id"))
        elif kind == "function_call":
            _add(calls, part.get("call_id"))
        elif kind == "function_call_output":
            _add(results, part.get("call_id"))
    return ToolUse(frozenset(calls), frozenset(results))


def _dicts(value: Any) -> Iterable[dict[str, Any]]:
    if not isinstance(value, list):
        return []
    return [cast("dict[str, Any]", v) for v in cast("list[Any]", value) if isinstance(v, dict)]


def _add(ids: set[str], value: Any) -> None:
    if isinstance(value, str):
        ids.add(value)


def orphans(messages: Sequence[Any], rule: ToolRule) -> int:
    """Return how many messages at the beginning bring results of calls that are not among them."""
    uses = [rule(message) for message in messages]
    made: set[str] = set()
    count = 0
    for index, use in enumerate(uses):
        if not use.results or use.results <= made:
            break
        count = index + 1
        made |= use.calls
    return count


def group_start(messages: Sequence[Any], at: int, rule: ToolRule) -> int:
    """Return the place, at or before `at`, of the message that makes the calls whose results stand there.

    Where no such call is found the result is a true orphan and `at` stands.
    """
    uses = [rule(message) for message in messages]
    start = at
    wanted = set(uses[at].results) if at < len(uses) else set[str]()
    for index in range(at - 1, -1, -1):
        if not wanted:
            break
        use = uses[index]
        if use.calls & wanted:
            wanted = (wanted - use.calls) | set(use.results)
            start = index
    return start
