"""User parts: what waits for the next user message."""

from __future__ import annotations

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import TooLarge, UsageError
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing.tasks import AsyncTasks

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
HELLO = {"role": "user", "content": "hello"}


@pytest.mark.anyio
class TestParts:
    """Parts keep their order, are used as often as they say, and end like any field."""

    async def test_order_is_that_of_order_and_name(self, thread: AsyncThread) -> None:
        await thread.parts.set_text("b", "two")
        await thread.parts.set_text("c", "three")
        await thread.parts.set_text("a", "one")
        await thread.parts.set_text("z", "zero", order=-1)
        assert list(await thread.parts.all()) == ["z", "a", "b", "c"]
        done = await thread.parts.attach(HELLO)
        texts = [part["text"] for part in done.message["content"]]
        assert texts == ["hello", "zero", "one", "two", "three"]
        assert done.used == ("z", "a", "b", "c") and HELLO["content"] == "hello"

    async def test_a_part_is_a_field_with_the_json_of_the_contract(
        self, thread: AsyncThread
    ) -> None:
        await thread.parts.set_text("t", "text")
        assert await thread.state.get("__user_part_t") == {"part_type": "text", "data": "text"}
        await thread.state.set("__user_part_u", "plain text")
        await thread.state.set("__user_part_v", [{"part_type": "text", "data": "in a list"}])
        await thread.state.set("other", "no part")
        done = await thread.parts.attach(HELLO)
        texts = [part["text"] for part in done.message["content"]]
        assert texts == ["hello", "text", "plain text", "in a list"]

    async def test_uses_are_counted_down(self, thread: AsyncThread) -> None:
        await thread.parts.set_text("once", "1", uses=1)
        await thread.parts.set_text("twice", "2", uses=2)
        await thread.parts.set_text("always", "3")
        found = [(await thread.parts.attach(HELLO)).used for _ in range(3)]
        assert found == [("always", "once", "twice"), ("always", "twice"), ("always",)]

    async def test_a_part_for_one_message_goes_to_one_of_many(self, thread: AsyncThread) -> None:
        await thread.parts.set_text("once", "1", uses=1)
        used: list[str] = []

        async def attach() -> None:
            used.extend((await thread.parts.attach(HELLO)).used)

        await AsyncTasks.together(*[attach] * 8)
        assert used == ["once"]
        assert await thread.parts.all() == {}

    async def test_each_has_its_own_lease(self, thread: AsyncThread, clock: AsyncClock) -> None:
        await thread.parts.set_text("short", "1", ttl=clock.span(5))
        await thread.parts.set_text("long", "2")
        await clock.pass_(6)
        assert list(await thread.parts.all()) == ["long"]

    async def test_what_does_not_fit_is_refused_or_left_out_and_said(
        self, thread: AsyncThread
    ) -> None:
        await thread.parts.set_text("a", "x" * 10, uses=1)
        await thread.parts.set_text("b", "x" * 1_000, uses=1)
        with pytest.raises(TooLarge, match="max_bytes"):
            await thread.parts.attach(HELLO, max_bytes=200)
        assert list(await thread.parts.all()) == ["a", "b"]
        done = await thread.parts.attach(HELLO, max_bytes=200, leave_out="last")
        assert done.used == ("a",) and done.bytes == 10
        assert [(o.name, o.reason, o.bytes) for o in done.left_out] == [("b", "max_bytes", 1_000)]
        assert list(await thread.parts.all()) == ["b"]

    async def test_images_are_what_they_say(self, thread: AsyncThread) -> None:
        await thread.parts.set_image("i", PNG)
        await thread.parts.set_image("u", url="https://example.org/x.png", mime_type="image/png")
        assert (await thread.parts.all())["i"]["data"]["mime_type"] == "image/png"
        for wrong in ("image/gif", "text/plain"):
            with pytest.raises(UsageError):
                await thread.parts.set_image("w", PNG, mime_type=wrong)
        with pytest.raises(UsageError):
            await thread.parts.set_image("w", "no base64", mime_type="image/png")
        with pytest.raises(UsageError):
            await thread.parts.set_image("w", PNG, url="https://example.org", mime_type="image/png")
        with pytest.raises(UsageError):
            await thread.parts.set("w", {"part_type": "image", "data": {"type": "bytes"}})
        assert list(await thread.parts.all()) == ["i", "u"]

    async def test_an_image_may_be_larger_than_a_value(self, thread: AsyncThread) -> None:
        image = PNG + bytes(2 << 20)
        await thread.parts.set_image("i", image)
        assert len((await thread.parts.all())["i"]["data"]["bytes"]) > 2 << 20

    async def test_clearing_leaves_the_rest(self, thread: AsyncThread) -> None:
        await thread.parts.set_text("a", "1")
        await thread.parts.set_text("b", "2")
        await thread.state.set("kept", 1)
        assert await thread.parts.delete("a")
        assert not await thread.parts.delete("a")
        assert await thread.parts.clear() == 1
        assert await thread.state.get_all() == {"kept": 1}

    async def test_formats_are_known_before_anything_is_used(self, store: AsyncStore) -> None:
        parts = store.thread("t").parts
        await parts.set_text("once", "1", uses=1)
        with pytest.raises(UsageError):
            await parts.attach(HELLO, format="unknown")
        with pytest.raises(UsageError):
            await parts.attach({"role": "user", "content": 1})
        assert list(await parts.all()) == ["once"]
