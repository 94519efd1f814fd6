"""Content blocks: the pieces of a model's answer that is more than text.

`hints` of any block is what a provider's SDK wants to have with it, passed through as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, cast

import msgspec


class TextBlock(msgspec.Struct, frozen=True, tag="text"):
    """Text."""

    text: str
    hints: dict[str, Any] | None = None


class BinaryBlock(msgspec.Struct, frozen=True, tag="binary"):
    """An image, sound, document or other file, by reference: a URL, a file id, a hash."""

    kind: Literal["image", "audio", "video", "document", "file"]
    media_type: str
    ref: str
    detail: str | None = None
    filename: str | None = None
    hints: dict[str, Any] | None = None


class ToolCallBlock(msgspec.Struct, frozen=True, tag="tool_call"):
    """A tool that the model wants called; `args` as it gave them."""

    id: str
    name: str
    args: Any
    hints: dict[str, Any] | None = None


class ToolResultBlock(msgspec.Struct, frozen=True, tag="tool_result"):
    """What a tool answered to the call `id`."""

    id: str
    content: Any
    is_error: bool = False
    hints: dict[str, Any] | None = None


class ReasoningBlock(msgspec.Struct, frozen=True, tag="reasoning"):
    """What the model thought; `signature` is opaque and goes back to the model as it came."""

    text: str
    signature: str | None = None
    redacted: bool = False
    hints: dict[str, Any] | None = None


Block = TextBlock | BinaryBlock | ToolCallBlock | ToolResultBlock | ReasoningBlock
KINDS = (TextBlock, BinaryBlock, ToolCallBlock, ToolResultBlock, ReasoningBlock)


def are_blocks(value: object) -> bool:
    """Tell whether a value is a list or tuple of content blocks, at least one."""
    items = cast("list[object]", value) if isinstance(value, list | tuple) else []
    return bool(items) and all(isinstance(item, KINDS) for item in items)


def text_of(blocks: Iterable[Block]) -> str:
    """Return the text blocks as one text."""
    return "".join(block.text for block in blocks if isinstance(block, TextBlock))
