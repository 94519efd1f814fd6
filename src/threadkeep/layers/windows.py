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
    """Return how many messages at the beginning to leave out, so that no result there lacks its call.

    Looks at the calls and results that stand at the beginning, up to the first other message.
    """
    uses = _leading(messages, rule)
    start, wanted = len(uses), frozenset[str]()
    for index in range(len(uses) - 1, -1, -1):
        wanted = (wanted - uses[index].calls) | uses[index].results
        if not wanted:
            start = index
    return start


def group_start(messages: Sequence[Any], at: int, rule: ToolRule) -> int | None:
    """Return the place, at or before `at`, from which on no result at `at` lacks its call.

    None where the call is not among these messages.
    """
    wanted = frozenset[str]()
    for use in reversed(_leading(messages[at:], rule)):
        wanted = (wanted - use.calls) | use.results
    start = at
    while wanted and start > 0:
        start -= 1
        use = rule(messages[start])
        wanted = (wanted - use.calls) | use.results
    return None if wanted else start


def _leading(messages: Sequence[Any], rule: ToolRule) -> list[ToolUse]:
    """Return the uses of tools up to the first message that is none."""
    found: list[ToolUse] = []
    for message in messages:
        use = rule(message)
        if not (use.calls or use.results):
            break
        found.append(use)
    return found
