"""What BetterDB agent-cache keeps of tools and models, as entries and policies of the caches here."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec

from threadkeep.errors import TooLarge, UsageError
from threadkeep.layers.betterdb import ResultKey, Unmapped
from threadkeep.layers.cache_entries import BLOCKS, VALUE, Content, pack, since
from threadkeep.layers.cache_keys import key_of
from threadkeep.layers.cache_names import escaped, stored_name
from threadkeep.layers.cache_policies import packed
from threadkeep.layers.cache_results import micros_of, tokens_of
from threadkeep.model.blocks import (
    BinaryBlock,
    Block,
    ReasoningBlock,
    TextBlock,
    ToolCallBlock,
    ToolResultBlock,
)
from threadkeep.model.leases import Lease, Sliding

_HASH: Final = re.compile(r"[0-9a-f]{64}")
Hints = dict[str, Any] | None
NO_ARGS: Final[dict[str, Any]] = {}


class _Stored(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    response: str
    stored_at: int
    cost: float | None = None


class _Tool(_Stored, frozen=True, rename="camel", forbid_unknown_fields=True):
    tool_name: str = ""
    args: Any = None


class _Part(
    msgspec.Struct, frozen=True, rename="camel", tag_field="type", forbid_unknown_fields=True
):
    hints: Hints = None


class _Text(_Part, frozen=True, rename="camel", tag="text", kw_only=True):
    text: str


class _Binary(_Part, frozen=True, rename="camel", tag="binary", kw_only=True):
    kind: Literal["image", "audio", "video", "document", "file"]
    media_type: str
    ref: str
    detail: str | None = None
    filename: str | None = None


class _Call(_Part, frozen=True, rename="camel", tag="tool_call", kw_only=True):
    id: str
    name: str
    args: Any


class _Answer(_Part, frozen=True, rename="camel", tag="tool_result", kw_only=True):
    tool_call_id: str
    content: Any
    is_error: bool = False


class _Reasoning(_Part, frozen=True, rename="camel", tag="reasoning", kw_only=True):
    text: str
    opaque_signature: str | None = None
    redacted: bool = False


class _Llm(_Stored, frozen=True, rename="camel", forbid_unknown_fields=True):
    model: str = ""
    content_blocks: list[_Text | _Binary | _Call | _Answer | _Reasoning] | None = None
    tokens: dict[str, int] | None = None


class _Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ttl: float


class Result(msgspec.Struct, frozen=True):
    """An entry: of which tool or model (as stored), at which key."""

    kind: Literal["tool", "llm"]
    name: str
    key: str
    data: bytes
    lease: Lease


def result(key: ResultKey, raw: bytes, ends: int | None, limit: int) -> Result | Unmapped:
    """Return a result as the entry that it becomes; a tool's stands under the arguments stored with it.

    A model's stands under the hash that it had: its parameters are not stored. `ends` in microseconds.
    """
    try:
        made = _tool(key.rest, raw, limit) if key.tier == "tool" else _llm(key.rest, raw, limit)
    except TooLarge:
        return "results over the limit"
    except (msgspec.DecodeError, UsageError, ValueError):
        return "results that cannot be read"
    name, own, data, at = made
    return Result(key.tier, name, own, data, since(at * 1_000, ends))


def _tool(rest: str, raw: bytes, limit: int) -> tuple[str, str, bytes, int]:
    stored = msgspec.json.decode(raw, type=_Tool)
    name, colon, hashed = rest.rpartition(":")
    if name != stored.tool_name or not colon or not _HASH.fullmatch(hashed):
        raise ValueError(rest)
    data = pack(Content(stored.response, cost=micros_of(stored.cost)), limit)
    own = key_of(NO_ARGS if stored.args is None else stored.args)
    return escaped(name), own, data, stored.stored_at


def _llm(rest: str, raw: bytes, limit: int) -> tuple[str, str, bytes, int]:
    stored = msgspec.json.decode(raw, type=_Llm)
    if not _HASH.fullmatch(rest):
        raise ValueError(rest)
    blocks = [_block(part) for part in stored.content_blocks or ()]
    tokens = tokens_of(stored.tokens)
    content = Content(
        blocks or stored.response,
        form=BLOCKS if blocks else VALUE,
        cost=micros_of(stored.cost),
        input=tokens.input if tokens else None,
        output=tokens.output if tokens else None,
    )
    return stored_name(stored.model), rest, pack(content, limit), stored.stored_at


def _block(part: _Part) -> Block:
    hints = part.hints
    if isinstance(part, _Binary):
        return BinaryBlock(
            part.kind, part.media_type, part.ref, part.detail, part.filename, hints=hints
        )
    if isinstance(part, _Call):
        return ToolCallBlock(part.id, part.name, part.args, hints=hints)
    if isinstance(part, _Answer):
        return ToolResultBlock(part.tool_call_id, part.content, part.is_error, hints=hints)
    if isinstance(part, _Reasoning):
        return ReasoningBlock(part.text, part.opaque_signature, part.redacted, hints=hints)
    assert isinstance(part, _Text)  # noqa: S101 - the last of them
    return TextBlock(part.text, hints=hints)


def policy(tool: bytes, raw: bytes) -> tuple[str, bytes] | Unmapped:
    """Return the field of a policy and its stored form."""
    try:
        name = tool.decode()
        ttl = msgspec.json.decode(raw, type=_Policy).ttl
        return escaped(name), packed(name, Sliding(ttl))
    except (msgspec.DecodeError, UsageError, ValueError):
        return "policies that cannot be read"
