"""User parts: what waits for the next user message."""

from __future__ import annotations

import pytest

from threadkeep._async.entity import AsyncThread
from threadkeep._async.store import AsyncStore
from threadkeep.errors import Conflict, TooLarge, UsageError
from threadkeep.model.part_budget import GivesWay
from threadkeep.model.parts import packed
from threadkeep.testing._async.clock import AsyncClock
from threadkeep.testing.tasks import AsyncTasks

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
LARGE = PNG + bytes(60_000)
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

    async def test_a_part_set_as_state_is_one(self, thread: AsyncThread) -> None:
        await thread.parts.set_image("a", PNG, mime_type="image/png", file_name="a.png")
        stored = await thread.state.get("__user_part_a")
        data = {"type": "bytes", "bytes": packed(PNG), "mime_type": "image/png", "name": "a.png"}
        assert stored == {"part_type": "image", "data": data}
        await thread.state.set("__user_part_b", {**stored, "uses": 1, "order": -1})
        done = await thread.parts.attach(HELLO, format="gemini")
        image = {"inline_data": {"mime_type": "image/png", "data": packed(PNG)}}
        assert done.message["parts"] == [{"text": "hello"}, image, image]
        assert done.used == ("b", "a")
        assert await thread.state.keys() == ["__user_part_a"]

    async def test_a_large_part_reads_as_any_state(self, thread: AsyncThread) -> None:
        await thread.parts.set_image("a", LARGE)
        await thread.parts.set_text("t", "x" * 80_000)
        await thread.state.set("other", 1)
        found = await thread.parts.all()
        assert found["a"]["data"]["bytes"] == packed(LARGE)
        assert found["t"] == {"part_type": "text", "data": "x" * 80_000}
        expected = {"__user_part_a": found["a"], "__user_part_t": found["t"], "other": 1}
        assert await thread.state.get_all() == expected
        assert await thread.state.get("__user_part_a") == found["a"]
        assert await thread.state.get_many(["__user_part_t"]) == {"__user_part_t": found["t"]}
        entry = await thread.state.entry("__user_part_a")
        assert entry is not None and entry.value == found["a"]
        assert await thread.state.keys("__user_part_") == ["__user_part_a", "__user_part_t"]
        with pytest.raises(Conflict) as caught:
            await thread.state.set("__user_part_a", 1, if_absent=True)
        assert caught.value.found == found["a"]
        await thread.state.delete("__user_part_a")
        await thread.state.set("__user_part_t", "short")
        assert await thread.parts.all() == {"t": "short"}

    async def test_a_large_content_stands_once(self, thread: AsyncThread) -> None:
        for name in ("a", "b", "c"):
            await thread.parts.set_image(name, LARGE, order=len(name))
        assert len(LARGE) < await _bytes(thread) < len(LARGE) + 2_000
        await thread.parts.set_image("b", LARGE + b"other")
        assert await thread.parts.delete("a")
        found = await thread.parts.all()
        assert [part["data"]["bytes"] for part in found.values()] == [
            packed(LARGE + b"other"),
            packed(LARGE),
        ]
        await thread.parts.set_text("b", "short")
        assert len(LARGE) < await _bytes(thread) < len(LARGE) + 2_000
        await thread.parts.set_image("c", LARGE, uses=1)
        assert (await thread.parts.attach(HELLO)).used == ("b", "c")
        assert await _bytes(thread) < 1_000

    async def test_what_was_left_behind_goes_with_the_next_call(self, thread: AsyncThread) -> None:
        await thread.parts.set_image("a", LARGE)
        await thread.state.set("__user_part_a", "no image")
        assert await _bytes(thread) > len(LARGE)
        await thread.parts.set_text("b", "short")
        assert await _bytes(thread) < 1_000
        await thread.parts.set_image("a", LARGE)
        assert await thread.state.clear() == 2
        assert await thread.info() is None

    async def test_a_large_part_is_counted_down_and_forked(self, thread: AsyncThread) -> None:
        await thread.parts.set_image("a", LARGE, uses=2)
        copy = await thread.fork("copy")
        for one in (thread, copy):
            for _ in range(2):
                done = await one.parts.attach(HELLO)
                assert packed(LARGE) in done.message["content"][1]["image_url"]["url"]
            assert (await one.parts.attach(HELLO)).used == ()

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

    async def test_a_large_part_lives_as_long_as_a_small_one(
        self, thread: AsyncThread, clock: AsyncClock
    ) -> None:
        await thread.state.set("stays", 1)
        await thread.parts.set_image("a", LARGE, ttl=clock.span(8))
        await thread.parts.set_image("b", LARGE, ttl=clock.span(20))
        for renew in (thread.parts.all, thread.state.get_all, thread.state.touch):
            await clock.pass_(5)
            await renew()
        await clock.pass_(5)
        assert list(await thread.parts.all()) == ["a", "b"]
        await clock.pass_(9)
        found = await thread.parts.all()
        assert list(found) == ["b"] and found["b"]["data"]["bytes"] == packed(LARGE)

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

    async def test_the_caller_says_what_gives_way(self, thread: AsyncThread) -> None:
        for name, size in (("a", 500), ("b", 300), ("c", 100), ("d", 200)):
            await thread.parts.set_text(name, "x" * size)
        await thread.parts.set_text("e", "x" * 400, tokens=1)
        wanted: dict[GivesWay, str] = {"last": "ab", "first": "cde", "largest": "bcd"}
        for leave_out, used in wanted.items():
            done = await thread.parts.attach(HELLO, max_bytes=800, leave_out=leave_out)
            assert "".join(done.used) == used
            assert done.bytes == sum(len(part["text"]) for part in done.message["content"][1:])
        done = await thread.parts.attach(HELLO, max_tokens=51, leave_out="first")
        assert (done.used, done.tokens) == (("d", "e"), 51)
        assert [(o.name, o.reason) for o in done.left_out] == [(n, "max_tokens") for n in "abc"]
        for wrong in ({"max_bytes": -1}, {"max_tokens": 1.5}, {"leave_out": "all"}):
            with pytest.raises(UsageError):
                await thread.parts.attach(HELLO, **wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is what is tested

    async def test_what_an_api_does_not_take_is_refused_or_left_out(
        self, thread: AsyncThread
    ) -> None:
        await thread.parts.set_file("a", b"PK", mime_type="application/zip", uses=1)
        await thread.state.set("__user_part_b", {"part_type": "image", "data": {"type": "bytes"}})
        await thread.parts.set_text("c", "fine", uses=1)
        with pytest.raises(UsageError, match=r"'a'.*application/zip"):
            await thread.parts.attach(HELLO, format="anthropic")
        done = await thread.parts.attach(HELLO, format="anthropic", leave_out="last")
        assert [o.name for o in done.left_out] == ["a", "b"] and done.used == ("c",)
        assert "mime_type" in done.left_out[1].reason
        assert list(await thread.parts.all()) == ["a", "b"]

    async def test_images_are_what_they_say(self, thread: AsyncThread) -> None:
        await thread.parts.set_image("i", PNG)
        await thread.parts.set_image("u", url="https://example.org/x.png", mime_type="image/png")
        assert (await thread.parts.all())["i"]["data"]["mime_type"] == "image/png"
        for wrong in ("image/gif", "text/plain", "png"):
            with pytest.raises(UsageError, match=wrong):
                await thread.parts.set_image("w", PNG, mime_type=wrong)
        for data in ("no base64", packed(PNG)[:-1], packed(PNG) + "\n", "", "iVBORw0KGgp="):
            with pytest.raises(UsageError, match=r"base64|empty"):
                await thread.parts.set_image("w", data, mime_type="image/png")
        with pytest.raises(UsageError, match="does not begin"):
            await thread.parts.set_image("w", b"GIF", mime_type="image/gif")
        await thread.parts.set_image("w", b"GIF", mime_type="image/gif", sniff=False)
        with pytest.raises(UsageError, match="data= or url="):
            await thread.parts.set_image("w", PNG, url="https://example.org", mime_type="image/png")
        with pytest.raises(UsageError, match="http"):
            await thread.parts.set_image("w", url="file:///etc", mime_type="image/png")
        for part in (None, {}, {"part_type": 1, "data": 1}, {"part_type": "text", "data": 1}):
            with pytest.raises(UsageError, match="'w'"):
                await thread.parts.set("w", part)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is what is tested
        for number in ({"uses": 0}, {"order": 1.5}, {"tokens": -1}):
            with pytest.raises(UsageError, match=r"uses|order|tokens"):
                await thread.parts.set_text("w", "x", **number)
        assert list(await thread.parts.all()) == ["i", "u", "w"]

    async def test_parts_have_a_limit_of_their_own(self, thread: AsyncThread) -> None:
        image = PNG + bytes(2 << 20)
        await thread.parts.set_image("i", image)
        assert (await thread.parts.all())["i"]["data"]["bytes"] == packed(image)
        with pytest.raises(TooLarge, match="limit of parts"):
            await thread.parts.set_image("j", PNG + bytes(16 << 20))
        assert list(await thread.parts.all()) == ["i"]

    async def test_clearing_leaves_the_rest(self, thread: AsyncThread) -> None:
        await thread.parts.set_text("a", "1")
        await thread.parts.set_text("b", "2")
        await thread.state.set("kept", 1)
        assert await thread.parts.delete("a")
        assert not await thread.parts.delete("a")
        assert await thread.parts.clear() == 1
        assert await thread.state.get_all() == {"kept": 1}

    async def test_clearing_races_with_nothing(self, thread: AsyncThread) -> None:
        cleared: list[int] = []

        async def put() -> None:
            for name in ("a", "b"):
                await thread.parts.set_image(name, LARGE, uses=1)

        async def clear() -> None:
            cleared.append(await thread.parts.clear())

        async def take() -> None:
            await thread.parts.attach(HELLO)

        await AsyncTasks.together(put, clear, put, take, clear, take, put)
        found = await thread.parts.all()
        assert all(part["data"]["bytes"] == packed(LARGE) for part in found.values())
        assert await thread.parts.clear() == len(found)
        assert await thread.info() is None and sum(cleared) <= 6

    async def test_formats_are_known_before_anything_is_used(self, store: AsyncStore) -> None:
        parts = store.thread("t").parts
        await parts.set_text("once", "1", uses=1)
        with pytest.raises(UsageError):
            await parts.attach(HELLO, format="unknown")
        with pytest.raises(UsageError):
            await parts.attach({"role": "user", "content": 1})
        with pytest.raises(UsageError, match="assistant"):
            await parts.attach({"role": "assistant", "content": "hello"})
        assert list(await parts.all()) == ["once"]


async def _bytes(thread: AsyncThread) -> int:
    info = await thread.info()
    assert info is not None
    return info.bytes
