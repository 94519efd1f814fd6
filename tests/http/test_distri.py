"""The seed's snippets, line by line, against a live server."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.http.hosting import Hosted
from tests.http.raw import Client
from threadkeep import UsageError
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
