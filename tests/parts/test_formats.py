"""What an API takes as content of a message: each package's own types read what is made for it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from threadkeep import Store, UsageError
from threadkeep._sync.entity import Thread

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PDF = b"%PDF-1.7\n" + bytes(range(256))
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(20)
URL = "https://example.org/"
HELLO = "What do you see?"
NOTES = ("a note", '{"clicked":["submit"]}')


@pytest.fixture
def thread() -> Iterator[Thread]:
    with Store("memory://") as store:
        yield store.thread("t")


@pytest.fixture
def filled(thread: Thread) -> Thread:
    """A thread with parts that every API takes, one large; named in their order."""
    thread.parts.set_text("a", NOTES[0])
    thread.parts.set_data("b", {"clicked": ["submit"]})
    thread.parts.set_image("c", PNG, file_name="c.png")
    thread.parts.set_image("d", PNG + bytes(60_000), mime_type="image/png")
    thread.parts.set_image("e", url=f"{URL}e.jpg", mime_type="image/jpg")
    thread.parts.set_file("f", PDF, file_name="f.pdf")
    return thread


@cache
def types_of(form: str) -> TypeAdapter[Any]:
    """Return the types of an API's package; they take seconds to be imported, so only who asks waits."""
    if form == "openai":
        from openai.types.chat import ChatCompletionUserMessageParam as Message
    elif form == "openai-responses":
        from openai.types.responses import EasyInputMessageParam as Message
    elif form == "anthropic":
        from anthropic.types import MessageParam as Message
    elif form == "gemini":
        from google.genai.types import Content as Message
    else:
        from pydantic_ai.messages import UserPromptPart as Message
    return TypeAdapter[Any](Message)


def read(form: str, message: dict[str, Any]) -> None:
    """Hold a message against the types of a package; what they leave lazy is read to its end."""
    types = types_of(form)
    for found in (types.validate_python(message), types.validate_json(json.dumps(message))):
        assert list(found["content"]) == message["content"]


def openai(message: dict[str, Any]) -> list[Any]:
    read("openai", message)
    found: list[Any] = []
    for part in message["content"]:
        kind = part["type"]
        if kind == "text":
            found.append(part["text"])
        elif kind == "image_url":
            found.append(bytes_or_url(part["image_url"]["url"]))
        elif kind == "file":
            found.append((part["file"]["filename"], bytes_or_url(part["file"]["file_data"])))
    return found


def responses(message: dict[str, Any]) -> list[Any]:
    read("openai-responses", message)
    found: list[Any] = []
    for part in message["content"]:
        kind = part["type"]
        if kind == "input_text":
            found.append(part["text"])
        elif kind == "input_image":
            found.append(bytes_or_url(part["image_url"]))
        elif kind == "input_file":
            found.append((part["filename"], bytes_or_url(part["file_data"])))
    return found


def anthropic(message: dict[str, Any]) -> list[Any]:
    read("anthropic", message)
    found: list[Any] = []
    for part in message["content"]:
        source = part.get("source")
        if source is None:
            found.append(part["text"])
            continue
        content = source["url"] if source["type"] == "url" else of_base64(source)
        found.append((part["title"], content) if part["type"] == "document" else content)
    return found


def of_base64(source: dict[str, Any]) -> tuple[str, bytes]:
    return source["media_type"], base64.b64decode(source["data"], validate=True)


def gemini(message: dict[str, Any]) -> list[Any]:
    found: list[Any] = []
    types = types_of("gemini")
    for parsed in (types.validate_python(message), types.validate_json(json.dumps(message))):
        found.clear()
        for part in parsed.parts or []:
            if part.inline_data is not None:
                found.append((part.inline_data.mime_type, part.inline_data.data))
            elif part.file_data is not None:
                found.append(part.file_data.file_uri)
            else:
                found.append(part.text)
    return found


def pydantic_ai(message: dict[str, Any]) -> list[Any]:
    prompt = types_of("pydantic-ai").validate_json(json.dumps(message))
    found: list[Any] = []
    for part in prompt.content:
        if isinstance(part, str):
            found.append(part)
        elif part.kind == "binary":
            found.append((part.media_type, part.data))
        else:
            found.append(part.url)
    return found


def bytes_or_url(address: str) -> Any:
    if not address.startswith("data:"):
        return address
    head, _, body = address.removeprefix("data:").partition(";base64,")
    return head, base64.b64decode(body, validate=True)


READERS: dict[str, Callable[[dict[str, Any]], list[Any]]] = {
    "openai": openai,
    "openai-responses": responses,
    "anthropic": anthropic,
    "gemini": gemini,
    "pydantic-ai": pydantic_ai,
}
WRONG: dict[str, dict[str, Any]] = {
    "openai": {"content": [{"type": "image_url", "image_url": {"uri": URL}}]},
    "openai-responses": {"content": [{"type": "input_image", "image_url": URL}]},
    "anthropic": {"content": [{"type": "image", "source": {"type": "url", "uri": URL}}]},
    "gemini": {"parts": [{"inline_data": {"mime": "image/png"}}]},
    "pydantic-ai": {"content": [{"kind": "binary", "data": "aGk="}]},
}
IMAGES = [("image/png", PNG), ("image/png", PNG + bytes(60_000)), f"{URL}e.jpg"]
FILE = ("application/pdf", PDF)
NAMED = ("openai", "openai-responses", "anthropic")


@pytest.mark.parametrize("form", READERS)
def test_the_types_refuse_what_is_none_of_theirs(form: str):
    with pytest.raises(ValidationError):
        READERS[form]({"role": "user", **WRONG[form]})


@pytest.mark.parametrize("form", READERS)
def test_everything_comes_back_as_the_package_reads_it(filled: Thread, form: str):
    done = filled.parts.attach(HELLO, format=form)
    file = ("f.pdf", FILE) if form in NAMED else FILE
    assert READERS[form](done.message) == [HELLO, *NOTES, *IMAGES, file]
    assert done.used == tuple("abcdef")


@pytest.mark.parametrize("form", READERS)
def test_a_message_in_the_form_of_the_api_goes_on(filled: Thread, form: str):
    first = filled.parts.attach(HELLO, format=form).message
    again = filled.parts.attach(first, format=form).message
    assert READERS[form](again)[:7] == READERS[form](first)
    assert len(READERS[form](again)) == 13


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("text", ["", "\x00", "\U0001f600", "</text>", '{"a": 1}'])
def test_text_is_what_was_set(thread: Thread, form: str, text: str):
    thread.parts.set_text("a", text)
    assert READERS[form](thread.parts.attach(HELLO, format=form).message) == [HELLO, text]


def test_sound_and_text_files(thread: Thread):
    thread.parts.set_file("a", WAV, mime_type="audio/x-wav")
    done = thread.parts.attach(HELLO, format="openai").message
    read("openai", done)
    sound = {"data": base64.b64encode(WAV).decode(), "format": "wav"}
    assert done["content"][1] == {"type": "input_audio", "input_audio": sound}
    assert gemini(thread.parts.attach(HELLO, format="gemini").message)[1] == ("audio/wav", WAV)
    thread.parts.set_file("a", "größe;1\n".encode(), mime_type="text/csv", file_name="a.csv")
    done = thread.parts.attach(HELLO, format="anthropic").message
    read("anthropic", done)
    source = {"type": "text", "media_type": "text/plain", "data": "größe;1\n"}
    assert done["content"][1] == {"type": "document", "source": source, "title": "a.csv"}


@pytest.mark.parametrize(
    ("mime_type", "kind"),
    [("image/png", "image"), ("audio/mpeg", "audio"), ("video/mp4", "video"), ("text/html", "doc")],
)
def test_addresses_are_of_the_kind_of_their_type(thread: Thread, mime_type: str, kind: str):
    thread.parts.set_file("a", url=URL, mime_type=mime_type)
    assert pydantic_ai(thread.parts.attach(HELLO, format="pydantic-ai").message)[1] == URL
    (found,) = thread.parts.take(format="pydantic-ai").content
    assert isinstance(found, dict)
    assert found["kind"].startswith(kind)
    assert gemini(thread.parts.attach(HELLO, format="gemini").message)[1] == URL


REFUSED = [
    ("openai", {"url": URL, "mime_type": "application/pdf"}, "not by URL"),
    ("anthropic", {"url": URL, "mime_type": "text/plain"}, "by URL"),
    ("anthropic", {"data": b"PK", "mime_type": "application/zip"}, "application/zip"),
    ("anthropic", {"data": b"\xff", "mime_type": "text/plain"}, "UTF-8"),
]


@pytest.mark.parametrize(("form", "file", "words"), REFUSED)
def test_what_an_api_does_not_take_is_named(
    thread: Thread, form: str, file: dict[str, Any], words: str
):
    thread.parts.set_file("a", **file)
    with pytest.raises(UsageError, match=words):
        thread.parts.attach(HELLO, format=form)
    done = thread.parts.attach(HELLO, format=form, leave_out="last")
    assert (done.used, done.left_out[0].name) == ((), "a")
    assert words in done.left_out[0].reason
