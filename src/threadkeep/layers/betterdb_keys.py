"""The keys under which BetterDB agent-cache keeps answers of models, so that imported ones are found.

Its key leaves out every parameter that it does not know. Two requests that differ in such a one share an answer
there; here a request that has one is not looked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, cast

from threadkeep.errors import UsageError
from threadkeep.model.canonical import digest
from threadkeep.model.tags import kind_of

Alias = Callable[[Mapping[str, Any]], str | None]
_SPELLED: Final = {  # as its Python and its TypeScript callers write them -> as they are hashed
    "max_tokens": "max_tokens",
    "tool_choice": "toolChoice",
    "toolChoice": "toolChoice",
    "seed": "seed",
    "stop": "stop",
    "response_format": "responseFormat",
    "responseFormat": "responseFormat",
    "reasoning_effort": "reasoningEffort",
    "reasoningEffort": "reasoningEffort",
    "prompt_cache_key": "promptCacheKey",
    "promptCacheKey": "promptCacheKey",
    "tools": "tools",
}
_ALWAYS: Final = {"temperature": 1, "top_p": 1}


def betterdb_keys(written_by: Literal["python", "typescript"] = "python") -> Alias:
    """Return what tells the key that BetterDB agent-cache gave to a request; None where it has no sound one.

    For `CacheOptions(alias=betterdb_keys())`, after `threadkeep import --from betterdb`. The request must be what
    its `llm.check` was given. `written_by`: which of its libraries stored the answers; they write some floats
    differently.
    """
    if written_by not in ("python", "typescript"):
        raise UsageError(f'written_by is {written_by!r}; use "python" or "typescript"')

    def key(params: Mapping[str, Any]) -> str | None:
        hashed = _hashed(params)
        if hashed is None:
            return None
        return digest(hashed, "params") if written_by == "typescript" else _python(hashed)

    return key


def _hashed(params: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what is hashed; None for a request with a parameter that would be left out."""
    if not {"model", "messages"}.issubset(params):
        return None
    found: dict[str, Any] = {name: params[name] for name in ("model", "messages")}
    found |= {name: params.get(name, usual) for name, usual in _ALWAYS.items()}
    if None in found.values():
        return None  # its libraries do not agree on what that means
    for name in set(params).difference(found):
        spelled = _SPELLED.get(name)
        if spelled is None:
            return None
        if params[name] is not None:
            found[spelled] = params[name]
    if "tools" in found:
        found["tools"] = _sorted(found["tools"])
    return found


def _sorted(tools: Any) -> Any:
    def name(tool: Any) -> str:
        if kind_of(tool) is not dict:
            return ""
        known = cast("dict[str, Any]", tool)
        inner = known.get("function")
        inside = cast("dict[str, Any]", inner).get("name") if kind_of(inner) is dict else None
        return str(inside or known.get("name") or "")

    if kind_of(tools) is not list:
        return tools
    return sorted(tools, key=name)


def _python(hashed: dict[str, Any]) -> str | None:
    try:
        text = json.dumps(hashed, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()
    except (TypeError, ValueError):  # it could not store such a request either
        return None
