"""Parts as the content of a user message, in the form that each model API takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.parts import FILES


def text_of(part: dict[str, Any]) -> str:
    """Return the text that stands for a part that is none of the known files."""
    data = part["data"]
    return data if isinstance(data, str) else msgspec.json.encode(data).decode()


def _address(data: dict[str, Any]) -> str:
    if data["type"] == "url":
        return data["url"]
    return f"data:{data['mime_type']};base64,{data['bytes']}"


def _openai(part: dict[str, Any]) -> dict[str, Any]:
    data = part["data"]
    if part["part_type"] == "image":
        return {"type": "image_url", "image_url": {"url": _address(data)}}
    if part["part_type"] == "file" and data["type"] == "bytes":
        name = data.get("name") or "file"
        return {"type": "file", "file": {"filename": name, "file_data": _address(data)}}
    return {"type": "text", "text": text_of(part)}


def _responses(part: dict[str, Any]) -> dict[str, Any]:
    data = part["data"]
    if part["part_type"] == "image":
        return {"type": "input_image", "detail": "auto", "image_url": _address(data)}
    if part["part_type"] == "file":
        if data["type"] == "url":
            return {"type": "input_file", "file_url": data["url"]}
        name = data.get("name") or "file"
        return {"type": "input_file", "filename": name, "file_data": _address(data)}
    return {"type": "input_text", "text": text_of(part)}


def _anthropic(part: dict[str, Any]) -> dict[str, Any]:
    data, kind = part["data"], part["part_type"]
    if kind == "image" or (kind == "file" and data["mime_type"] == "application/pdf"):
        if data["type"] == "url":
            source = {"type": "url", "url": data["url"]}
        else:
            source = {
                "type": "base64",
                "media_type": data["mime_type"],
                "data": data["bytes"],
            }
        return {"type": "image" if kind == "image" else "document", "source": source}
    return {"type": "text", "text": text_of(part)}


def _gemini(part: dict[str, Any]) -> dict[str, Any]:
    data = part["data"]
    if part["part_type"] in FILES:
        if data["type"] == "url":
            return {"file_data": {"mime_type": data["mime_type"], "file_uri": data["url"]}}
        return {"inline_data": {"mime_type": data["mime_type"], "data": data["bytes"]}}
    return {"text": text_of(part)}


def _pydantic_ai(part: dict[str, Any]) -> Any:
    data, kind = part["data"], part["part_type"]
    if kind in FILES:
        if data["type"] == "url":
            return {
                "kind": f"{'image' if kind == 'image' else 'document'}-url",
                "url": data["url"],
                "media_type": data["mime_type"],
            }
        return {"kind": "binary", "data": data["bytes"], "media_type": data["mime_type"]}
    return text_of(part)


FORMATS: Final[dict[str, Callable[[dict[str, Any]], Any]]] = {
    "openai": _openai,
    "openai-responses": _responses,
    "anthropic": _anthropic,
    "gemini": _gemini,
    "pydantic-ai": _pydantic_ai,
}
_TEXT: Final[dict[str, Callable[[str], Any]]] = {
    "openai": lambda text: {"type": "text", "text": text},
    "openai-responses": lambda text: {"type": "input_text", "text": text},
    "anthropic": lambda text: {"type": "text", "text": text},
    "gemini": lambda text: {"text": text},
    "pydantic-ai": lambda text: text,
}


def rendered(parts: list[dict[str, Any]], form: str) -> list[Any]:
    """Return parts as content of one API; UsageError for an unknown one."""
    return [_renderer(form)(part) for part in parts]


def joined(message: dict[str, Any], parts: list[dict[str, Any]], form: str) -> dict[str, Any]:
    """Return a copy of a user message whose content goes on with the parts; it stays as it is without any."""
    _renderer(form)
    field = "parts" if form == "gemini" else "content"
    content = message.get(field)
    if content is None:
        content = []
    elif isinstance(content, str):
        content = [_TEXT[form](content)]
    elif not isinstance(content, list):
        raise UsageError(f"the {field} of the message must be text or a list")
    added = rendered(parts, form)
    return {**message, field: [*content, *added]} if added else dict(message)


def _renderer(form: str) -> Callable[[dict[str, Any]], Any]:
    if form not in FORMATS:
        raise UsageError(f"format {form!r} is unknown; use one of {', '.join(FORMATS)}")
    return FORMATS[form]
