"""The seed's snippets, line by line, against a live server."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.http.faulty import Faulty
from tests.http.hosting import Hosted
from tests.http.raw import Client
from tests.http.scripted import Scripted
from threadkeep import Conflict, Timeout, Unavailable, UsageError
from threadkeep.client import Distri

pytestmark = pytest.mark.anyio
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
THREAD = "thread-123"


@pytest.fixture
async def client(call: Client) -> AsyncIterator[Distri]:
    async with Distri(base_url=f"http://127.0.0.1:{call.port}{call.base}/api/v1") as found:
        yield found


async def test_basic_session_operations(client: Distri):
    preference = {"theme": "dark", "language": "en"}
    await client.set_session_value(THREAD, "user_preference", preference)
    assert await client.get_session_value(THREAD, "user_preference") == preference
    assert await client.get_session_values(THREAD) == {"user_preference": preference}
    await client.delete_session_value(THREAD, "user_preference")
    assert await client.get_session_value(THREAD, "user_preference") is None
    await client.set_session_value(THREAD, "other", 1)
    await client.clear_session(THREAD)
    assert await client.get_session_values(THREAD) == {}


async def test_user_parts(client: Distri, call: Client, hosted: Hosted):
    text = "Screenshot shows the login form with validation errors"
    await client.set_user_part_text(THREAD, "screenshot_description", text)
    image = base64.b64encode(PNG).decode()
    await client.set_user_part_image(
        THREAD, "screenshot", bytes=image, mime_type="image/png", name="screenshot.png"
    )
    assert await client.get_session_values(THREAD) == {
        "__user_part_screenshot": {
            "part_type": "image",
            "data": {
                "type": "bytes",
                "bytes": image,
                "mime_type": "image/png",
                "name": "screenshot.png",
            },
        },
        "__user_part_screenshot_description": {"part_type": "text", "data": text},
    }
    found = call("GET", f"/v1/threads/{THREAD}/parts?format=openai").json["content"]
    assert [part["type"] for part in found] == ["image_url", "text"]
    await client.delete_user_part(THREAD, "screenshot_description")
    await client.set_session_value(THREAD, "kept", 1)
    await client.clear_user_parts(THREAD)
    assert await client.get_session_values(THREAD) == {"kept": 1}


@pytest.mark.parametrize("declared", ["mimeType", "mime_type"])
async def test_an_image_as_one_mapping(client: Distri, declared: str):
    image = {"bytes": base64.b64encode(PNG).decode(), declared: "image/png", "name": "s.png"}
    await client.set_user_part_image(THREAD, "screenshot", image)
    part = await client.get_session_value(THREAD, "__user_part_screenshot")
    data = {"type": "bytes", "bytes": image["bytes"], "mime_type": "image/png", "name": "s.png"}
    assert part == {"part_type": "image", "data": data}
    with pytest.raises(UsageError, match="one mapping or by its parts"):
        await client.set_user_part_image(THREAD, "screenshot", image, name="other.png")
    with pytest.raises(UsageError, match="'detail'"):
        await client.set_user_part_image(THREAD, "screenshot", image | {"detail": "low"})
    with pytest.raises(UsageError, match="one of the two"):
        await client.set_user_part_image(THREAD, "screenshot", {declared: "image/png"})


async def test_expiry(client: Distri):
    expiry = datetime.now(UTC) + timedelta(hours=24)
    await client.set_session_value(THREAD, "temporary_data", {"data": "value"}, expiry.isoformat())
    await client.set_session_value(THREAD, "as_datetime", 1, expiry)
    assert await client.get_session_value(THREAD, "temporary_data") == {"data": "value"}
    past = datetime(2020, 1, 1, tzinfo=UTC)
    await client.set_session_value(THREAD, "temporary_data", 1, past)
    assert await client.get_session_value(THREAD, "temporary_data") is None


async def test_errors_keep_the_server_s_words(client: Distri):
    with pytest.raises(UsageError, match="URLs do not carry it"):
        await client.set_session_value(THREAD, "..", 1)
    with pytest.raises(UsageError, match="no time zone"):
        await client.set_session_value(THREAD, "a", 1, datetime(2030, 1, 1))  # noqa: DTZ001
    with pytest.raises(UsageError, match="image/png, not image/gif"):
        await client.set_user_part_image(
            THREAD, "a", bytes=base64.b64encode(PNG).decode(), mime_type="image/gif"
        )


NASTY = ["a/b", "a%2Fb", "%2e%2e", "a b", "a+b", "a?b#c", "a&b=c", "a;b", "a:b"]
NASTY += ["ä\u0301", "日本", "🧵", "...", "-", "~", "'*()!"]


@pytest.mark.parametrize("name", NASTY)
async def test_names_come_back_as_they_are(client: Distri, name: str):
    await client.set_session_value(name, name, {"of": name})
    assert await client.get_session_value(name, name) == {"of": name}
    assert await client.get_session_values(name) == {name: {"of": name}}
    await client.set_user_part_text(name, name, "x")
    await client.delete_user_part(name, name)
    await client.delete_session_value(name, name)
    assert await client.get_session_values(name) == {}
    await client.clear_session(name)


@pytest.mark.parametrize("name", ["", ".", ".."])
async def test_a_name_that_urls_lose_clears_no_session(client: Distri, name: str):
    await client.set_session_value(THREAD, "a", 1)
    for call in (
        client.delete_session_value(THREAD, name),
        client.get_session_value(THREAD, name),
        client.clear_session(name),
        client.set_session_value(THREAD, name, 1),
    ):
        with pytest.raises(UsageError, match="URLs do not carry it"):
            await call
    assert await client.get_session_values(THREAD) == {"a": 1}


async def test_values_are_json_and_come_back_equal(client: Distri):
    for value in (None, 0, "", [], {}, 1.5, 2**53, "\ud800", "\x00", {"a": [None, {"b": "é"}]}):
        await client.set_session_value(THREAD, "v", value)
        assert await client.get_session_value(THREAD, "v") == value
    assert await client.get_session_values(THREAD) == {"v": {"a": [None, {"b": "é"}]}}
    for value in (float("nan"), float("inf"), b"bytes", object()):
        with pytest.raises(UsageError, match="the value is no JSON"):
            await client.set_session_value(THREAD, "v", value)


async def test_an_overwrite_without_expiry_clears_the_old_one(
    client: Distri, call: Client, hosted: Hosted
):
    soon = datetime.now(UTC) + timedelta(hours=1)
    await client.set_session_value(THREAD, "a", 1, soon)
    await client.set_session_value(THREAD, "a", 2)
    entry = hosted.run(lambda: call.store.thread(THREAD).state.entry("a"))
    assert entry.expires_at is None


async def test_a_server_that_is_none_of_this_api(call: Client):
    async with Distri(base_url=f"http://127.0.0.1:{call.port}{call.base}/v1/") as slashed:
        await slashed.set_session_value(THREAD, "a", 1)
    async with Distri(base_url=f"http://127.0.0.1:{call.port}{call.base}") as without:
        with pytest.raises(UsageError, match="no such resource; check the URL"):
            await without.set_session_value(THREAD, "a", 1)
    with Scripted((200, b"<html>", None)) as server:
        async with Distri(base_url=server.url) as client:
            with pytest.raises(UsageError, match="check base_url"):
                await client.get_session_value(THREAD, "a")
            with pytest.raises(UsageError, match="check base_url"):
                await client.set_session_value(THREAD, "a", 1)
            with pytest.raises(Conflict, match="scripted"):
                await client.set_session_value(THREAD, "a", 1)


async def test_deadline_and_loss(call: Client):
    with Faulty(call.port) as proxy:
        base = f"http://127.0.0.1:{proxy.port}{call.base}/v1"
        async with Distri(base_url=base, timeout=0.5) as client:
            proxy.faults("trickle")
            with pytest.raises(Timeout) as late:
                await client.set_session_value(THREAD, "a", 1)
            assert late.value.maybe_applied
            proxy.faults("after")
            with pytest.raises(Unavailable) as lost:
                await client.set_session_value(THREAD, "a", 1)
            assert lost.value.maybe_applied
