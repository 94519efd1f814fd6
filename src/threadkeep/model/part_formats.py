"""Parts as content of a user message, in the form that each model API takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from threadkeep.errors import UsageError
from threadkeep.model.media import media_type
from threadkeep.model.parts import FILES, text_of, unpacked

Rendered = dict[str, Any] | str
_ANTHROPIC_IMAGES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_OPENAI_AUDIO: Final = {"audio/wav": "wav", "audio/mpeg": "mp3"}
_TEXTS: Final = ("application/json", "application/xml", "application/yaml", "application/x-yaml")


def _address(data: dict[str, Any]) -> str:
    if data["type"] == "url":
        return data["url"]
    return f"data:{media_type(data['mime_type'])};base64,{data['bytes']}"


def _openai(part: dict[str, Any]) -> Rendered:
    data, kind = part["data"], part["part_type"]
    if kind not in FILES:
        return {"type": "text", "text": text_of(data)}
    if kind == "image":
        return {"type": "image_url", "image_url": {"url": _address(data)}}
    if data["type"] == "url":
        raise UsageError("openai takes files by their content, not by URL")
    audio = _OPENAI_AUDIO.get(media_type(data["mime_type"]))
    if audio is not None:
        return {"type": "input_audio", "input_audio": {"data": data["bytes"], "format": audio}}
    name = data.get("name") or "file"
    return {"type": "file", "file": {"filename": name, "file_data": _address(data)}}


def _responses(part: dict[str, Any]) -> Rendered:
    data, kind = part["data"], part["part_type"]
    if kind not in FILES:
        return {"type": "input_text", "text": text_of(data)}
    if kind == "image":
        return {"type": "input_image", "detail": "auto", "image_url": _address(data)}
    if data["type"] == "url":
        return {"type": "input_file", "file_url": data["url"]}
    name = data.get("name") or "file"
    return {"type": "input_file", "filename": name, "file_data": _address(data)}


def _anthropic(part: dict[str, Any]) -> Rendered:
    data, kind = part["data"], part["part_type"]
    if kind not in FILES:
        return {"type": "text", "text": text_of(data)}
    media, by_url = media_type(data["mime_type"]), data["type"] == "url"
    if kind == "image":
        if not by_url and media not in _ANTHROPIC_IMAGES:
            raise UsageError(f"anthropic takes no image of type {media}")
        return {"type": "image", "source": _source(data, media)}
    if media == "application/pdf":
        source = _source(data, media)
    elif not by_url and (media.startswith("text/") or media in _TEXTS):
        source = {"type": "text", "media_type": "text/plain", "data": _utf8(data["bytes"])}
    else:
        raise UsageError(f"anthropic takes no file of type {media}{' by URL' * by_url}")
    name = data.get("name")
    return {"type": "document", "source": source, **({"title": name} if name else {})}


def _source(data: dict[str, Any], media: str) -> dict[str, Any]:
    if data["type"] == "url":
        return {"type": "url", "url": data["url"]}
    return {"type": "base64", "media_type": media, "data": data["bytes"]}


def _utf8(text: str) -> str:
    try:
        return unpacked(text).decode()
    except UnicodeDecodeError:
        raise UsageError("the content is no UTF-8, which anthropic takes as text") from None


def _gemini(part: dict[str, Any]) -> Rendered:
    data = part["data"]
    if part["part_type"] not in FILES:
        return {"text": text_of(data)}
    media = media_type(data["mime_type"])
    if data["type"] == "url":
        return {"file_data": {"mime_type": media, "file_uri": data["url"]}}
    return {"inline_data": {"mime_type": media, "data": data["bytes"]}}


def _pydantic_ai(part: dict[str, Any]) -> Rendered:
    data = part["data"]
    if part["part_type"] not in FILES:
        return text_of(data)
    media = media_type(data["mime_type"])
    if data["type"] == "bytes":
        return {"kind": "binary", "data": data["bytes"], "media_type": media}
    family = media.partition("/")[0]
    kind = family if family in {"image", "audio", "video"} else "document"
    return {"kind": f"{kind}-url", "url": data["url"], "media_type": media}


class _Form:
    """How one API takes content: a part of it, and the name under which a message holds it."""

    def __init__(self, part: Callable[[dict[str, Any]], Rendered], field: str = "content") -> None:
        self.part, self.field = part, field

    def text(self, text: str) -> Rendered:
        return self.part({"part_type": "text", "data": text})


FORMATS: Final = {
    "openai": _Form(_openai),
    "openai-responses": _Form(_responses),
    "anthropic": _Form(_anthropic),
    "gemini": _Form(_gemini, "parts"),
    "pydantic-ai": _Form(_pydantic_ai),
}


def rendered(parts: list[dict[str, Any]], form: str) -> list[Rendered]:
    """Return parts as content of one API; UsageError for an unknown one and for what it does not take."""
    found = form_of(form)
    return [found.part(part) for part in parts]


def opened(message: dict[str, Any] | str, form: str) -> tuple[dict[str, Any], list[Any]]:
    """Return a user message without its content, and that as a list in the form of an API.

    Text alone becomes a message of the user. UsageError for a message of somebody else, or whose content is
    neither text nor a list.
    """
    found = form_of(form)
    if isinstance(message, str):
        begin = {"part_kind": "user-prompt"} if form == "pydantic-ai" else {"role": "user"}
        return begin, [found.text(message)]
    if not isinstance(message, dict):  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
        raise UsageError("a message is text or an object")
    role = message.get("role", message.get("part_kind", "user"))
    if role not in {"user", "user-prompt"}:
        raise UsageError(f"parts go to messages of the user; this one has the role {role!r}")
    name = found.field
    if name != "content" and name not in message and isinstance(message.get("content"), str):
        name = "content"
    content = message.get(name)
    if isinstance(content, str):
        content = [found.text(content)]
    elif content is not None and not isinstance(content, list):
        raise UsageError(f"the {name} of the message must be text or a list")
    rest = {key: value for key, value in message.items() if key != name}
    return rest, cast("list[Any]", content or [])


def joined(message: dict[str, Any] | str, added: list[Rendered], form: str) -> dict[str, Any]:
    """Return a user message whose content goes on with what is added; without any it stays as it is."""
    rest, content = opened(message, form)
    field = form_of(form).field
    if not added and isinstance(message, dict) and field in message:
        return dict(message)
    return {**rest, field: [*content, *added]}


def form_of(form: str) -> _Form:
    """Return how an API takes content; UsageError for an unknown one."""
    found = FORMATS.get(form) if isinstance(form, str) else None  # pyright: ignore[reportUnnecessaryIsInstance] - callers without a type checker
    if found is None:
        raise UsageError(f"format {form!r} is unknown; use one of {', '.join(FORMATS)}")
    return found
