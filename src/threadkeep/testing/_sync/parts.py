# Generated from src/threadkeep/testing/_async/parts.py by scripts/unasync. Do not edit.
"""User parts: what waits for the next user message."""

from __future__ import annotations

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import Conflict, TooLarge, UsageError
from threadkeep.model.part_budget import GivesWay
from threadkeep.model.parts import packed
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing.tasks import Tasks

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
LARGE = PNG + bytes(60_000)
HELLO = {"role": "user", "content": "hello"}


class TestParts:
    """Parts keep their order, are used as often as they say, and end like any field."""

    def test_order_is_that_of_order_and_name(self, thread: Thread) -> None:
        thread.parts.set_text("b", "two")
        thread.parts.set_text("c", "three")
        thread.parts.set_text("a", "one")
        thread.parts.set_text("z", "zero", order=-1)
        assert list(thread.parts.all()) == ["z", "a", "b", "c"]
        done = thread.parts.attach(HELLO)
        texts = [part["text"] for part in done.message["content"]]
        assert texts == ["hello", "zero", "one", "two", "three"]
        assert done.used == ("z", "a", "b", "c") and HELLO["content"] == "hello"

    def test_a_part_is_a_field_with_the_json_of_the_contract(self, thread: Thread) -> None:
        thread.parts.set_text("t", "text")
        assert thread.state.get("__user_part_t") == {"part_type": "text", "data": "text"}
        thread.state.set("__user_part_u", "plain text")
        thread.state.set("__user_part_v", [{"part_type": "text", "data": "in a list"}])
        thread.state.set("other", "no part")
        done = thread.parts.attach(HELLO)
        texts = [part["text"] for part in done.message["content"]]
        assert texts == ["hello", "text", "plain text", "in a list"]

    def test_a_part_set_as_state_is_one(self, thread: Thread) -> None:
        thread.parts.set_image("a", PNG, mime_type="image/png", file_name="a.png")
        stored = thread.state.get("__user_part_a")
        data = {"type": "bytes", "bytes": packed(PNG), "mime_type": "image/png", "name": "a.png"}
        assert stored == {"part_type": "image", "data": data}
        thread.state.set("__user_part_b", {**stored, "uses": 1, "order": -1})
        done = thread.parts.attach(HELLO, format="gemini")
        image = {"inline_data": {"mime_type": "image/png", "data": packed(PNG)}}
        assert done.message["parts"] == [{"text": "hello"}, image, image]
        assert done.used == ("b", "a")
        assert thread.state.keys() == ["__user_part_a"]

    def test_a_large_part_reads_as_any_state(self, thread: Thread) -> None:
        thread.parts.set_image("a", LARGE)
        thread.parts.set_text("t", "x" * 80_000)
        thread.state.set("other", 1)
        found = thread.parts.all()
        assert found["a"]["data"]["bytes"] == packed(LARGE)
        assert found["t"] == {"part_type": "text", "data": "x" * 80_000}
        expected = {"__user_part_a": found["a"], "__user_part_t": found["t"], "other": 1}
        assert thread.state.get_all() == expected
        assert thread.state.get("__user_part_a") == found["a"]
        assert thread.state.get_many(["__user_part_t"]) == {"__user_part_t": found["t"]}
        entry = thread.state.entry("__user_part_a")
        assert entry is not None and entry.value == found["a"]
        assert thread.state.keys("__user_part_") == ["__user_part_a", "__user_part_t"]
        with pytest.raises(Conflict) as caught:
            thread.state.set("__user_part_a", 1, if_absent=True)
        assert caught.value.found == found["a"]
        thread.state.delete("__user_part_a")
        thread.state.set("__user_part_t", "short")
        assert thread.parts.all() == {"t": "short"}

    def test_a_large_content_stands_once(self, thread: Thread) -> None:
        for name in ("a", "b", "c"):
            thread.parts.set_image(name, LARGE, order=len(name))
        assert len(LARGE) < _bytes(thread) < len(LARGE) + 2_000
        thread.parts.set_image("b", LARGE + b"other")
        assert thread.parts.delete("a")
        found = thread.parts.all()
        assert [part["data"]["bytes"] for part in found.values()] == [
            packed(LARGE + b"other"),
            packed(LARGE),
        ]
        thread.parts.set_text("b", "short")
        assert len(LARGE) < _bytes(thread) < len(LARGE) + 2_000
        thread.parts.set_image("c", LARGE, uses=1)
        assert (thread.parts.attach(HELLO)).used == ("b", "c")
        assert _bytes(thread) < 1_000

    def test_what_was_left_behind_goes_with_the_next_call(self, thread: Thread) -> None:
        thread.parts.set_image("a", LARGE)
        thread.state.set("__user_part_a", "no image")
        assert _bytes(thread) > len(LARGE)
        thread.parts.set_text("b", "short")
        assert _bytes(thread) < 1_000
        thread.parts.set_image("a", LARGE)
        assert thread.state.clear() == 2
        assert thread.info() is None

    def test_a_large_part_is_counted_down_and_forked(self, thread: Thread) -> None:
        thread.parts.set_image("a", LARGE, uses=2)
        copy = thread.fork("copy")
        for one in (thread, copy):
            for _ in range(2):
                done = one.parts.attach(HELLO)
                assert packed(LARGE) in done.message["content"][1]["image_url"]["url"]
            assert (one.parts.attach(HELLO)).used == ()

    def test_uses_are_counted_down(self, thread: Thread) -> None:
        thread.parts.set_text("once", "1", uses=1)
        thread.parts.set_text("twice", "2", uses=2)
        thread.parts.set_text("always", "3")
        found = [(thread.parts.attach(HELLO)).used for _ in range(3)]
        assert found == [("always", "once", "twice"), ("always", "twice"), ("always",)]

    def test_a_part_for_one_message_goes_to_one_of_many(self, thread: Thread) -> None:
        thread.parts.set_text("once", "1", uses=1)
        used: list[str] = []

        def attach() -> None:
            used.extend((thread.parts.attach(HELLO)).used)

        Tasks.together(*[attach] * 8)
        assert used == ["once"]
        assert thread.parts.all() == {}

    def test_each_has_its_own_lease(self, thread: Thread, clock: Clock) -> None:
        thread.parts.set_text("short", "1", ttl=clock.span(5))
        thread.parts.set_text("long", "2")
        clock.pass_(6)
        assert list(thread.parts.all()) == ["long"]

    def test_a_large_part_lives_as_long_as_a_small_one(self, thread: Thread, clock: Clock) -> None:
        thread.state.set("stays", 1)
        thread.parts.set_image("a", LARGE, ttl=clock.span(8))
        thread.parts.set_image("b", LARGE, ttl=clock.span(20))
        for renew in (thread.parts.all, thread.state.get_all, thread.state.touch):
            clock.pass_(5)
            renew()
        clock.pass_(5)
        assert list(thread.parts.all()) == ["a", "b"]
        clock.pass_(9)
        found = thread.parts.all()
        assert list(found) == ["b"] and found["b"]["data"]["bytes"] == packed(LARGE)

    def test_what_does_not_fit_is_refused_or_left_out_and_said(self, thread: Thread) -> None:
        thread.parts.set_text("a", "x" * 10, uses=1)
        thread.parts.set_text("b", "x" * 1_000, uses=1)
        with pytest.raises(TooLarge, match="max_bytes"):
            thread.parts.attach(HELLO, max_bytes=200)
        assert list(thread.parts.all()) == ["a", "b"]
        done = thread.parts.attach(HELLO, max_bytes=200, leave_out="last")
        assert done.used == ("a",) and done.bytes == 10
        assert [(o.name, o.reason, o.bytes) for o in done.left_out] == [("b", "max_bytes", 1_000)]
        assert list(thread.parts.all()) == ["b"]

    def test_the_caller_says_what_gives_way(self, thread: Thread) -> None:
        for name, size in (("a", 500), ("b", 300), ("c", 100), ("d", 200)):
            thread.parts.set_text(name, "x" * size)
        thread.parts.set_text("e", "x" * 400, tokens=1)
        wanted: dict[GivesWay, str] = {"last": "ab", "first": "cde", "largest": "bcd"}
        for leave_out, used in wanted.items():
            done = thread.parts.attach(HELLO, max_bytes=800, leave_out=leave_out)
            assert "".join(done.used) == used
            assert done.bytes == sum(len(part["text"]) for part in done.message["content"][1:])
        done = thread.parts.attach(HELLO, max_tokens=51, leave_out="first")
        assert (done.used, done.tokens) == (("d", "e"), 51)
        assert [(o.name, o.reason) for o in done.left_out] == [(n, "max_tokens") for n in "abc"]
        for wrong in ({"max_bytes": -1}, {"max_tokens": 1.5}, {"leave_out": "all"}):
            with pytest.raises(UsageError):
                thread.parts.attach(HELLO, **wrong)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is what is tested

    def test_what_an_api_does_not_take_is_refused_or_left_out(self, thread: Thread) -> None:
        thread.parts.set_file("a", b"PK", mime_type="application/zip", uses=1)
        thread.state.set("__user_part_b", {"part_type": "image", "data": {"type": "bytes"}})
        thread.parts.set_text("c", "fine", uses=1)
        with pytest.raises(UsageError, match=r"'a'.*application/zip"):
            thread.parts.attach(HELLO, format="anthropic")
        done = thread.parts.attach(HELLO, format="anthropic", leave_out="last")
        assert [o.name for o in done.left_out] == ["a", "b"] and done.used == ("c",)
        assert "mime_type" in done.left_out[1].reason
        assert list(thread.parts.all()) == ["a", "b"]

    def test_images_are_what_they_say(self, thread: Thread) -> None:
        thread.parts.set_image("i", PNG)
        thread.parts.set_image("u", url="https://example.org/x.png", mime_type="image/png")
        assert (thread.parts.all())["i"]["data"]["mime_type"] == "image/png"
        for wrong in ("image/gif", "text/plain", "png"):
            with pytest.raises(UsageError, match=wrong):
                thread.parts.set_image("w", PNG, mime_type=wrong)
        for data in ("no base64", packed(PNG)[:-1], packed(PNG) + "\n", "", "iVBORw0KGgp="):
            with pytest.raises(UsageError, match=r"base64|empty"):
                thread.parts.set_image("w", data, mime_type="image/png")
        with pytest.raises(UsageError, match="does not begin"):
            thread.parts.set_image("w", b"GIF", mime_type="image/gif")
        thread.parts.set_image("w", b"GIF", mime_type="image/gif", sniff=False)
        with pytest.raises(UsageError, match="data= or url="):
            thread.parts.set_image("w", PNG, url="https://example.org", mime_type="image/png")
        with pytest.raises(UsageError, match="http"):
            thread.parts.set_image("w", url="file:///etc", mime_type="image/png")
        for part in (None, {}, {"part_type": 1, "data": 1}, {"part_type": "text", "data": 1}):
            with pytest.raises(UsageError, match="'w'"):
                thread.parts.set("w", part)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - that is what is tested
        for number in ({"uses": 0}, {"order": 1.5}, {"tokens": -1}):
            with pytest.raises(UsageError, match=r"uses|order|tokens"):
                thread.parts.set_text("w", "x", **number)
        assert list(thread.parts.all()) == ["i", "u", "w"]

    def test_parts_have_a_limit_of_their_own(self, thread: Thread) -> None:
        image = PNG + bytes(2 << 20)
        thread.parts.set_image("i", image)
        assert (thread.parts.all())["i"]["data"]["bytes"] == packed(image)
        with pytest.raises(TooLarge, match="limit of parts"):
            thread.parts.set_image("j", PNG + bytes(16 << 20))
        assert list(thread.parts.all()) == ["i"]

    def test_clearing_leaves_the_rest(self, thread: Thread) -> None:
        thread.parts.set_text("a", "1")
        thread.parts.set_text("b", "2")
        thread.state.set("kept", 1)
        assert thread.parts.delete("a")
        assert not thread.parts.delete("a")
        assert thread.parts.clear() == 1
        assert thread.state.get_all() == {"kept": 1}

    def test_clearing_races_with_nothing(self, thread: Thread) -> None:
        cleared: list[int] = []

        def put() -> None:
            for name in ("a", "b"):
                thread.parts.set_image(name, LARGE, uses=1)

        def clear() -> None:
            cleared.append(thread.parts.clear())

        def take() -> None:
            thread.parts.attach(HELLO)

        Tasks.together(put, clear, put, take, clear, take, put)
        found = thread.parts.all()
        assert all(part["data"]["bytes"] == packed(LARGE) for part in found.values())
        assert thread.parts.clear() == len(found)
        assert thread.info() is None and sum(cleared) <= 6

    def test_formats_are_known_before_anything_is_used(self, store: Store) -> None:
        parts = store.thread("t").parts
        parts.set_text("once", "1", uses=1)
        with pytest.raises(UsageError):
            parts.attach(HELLO, format="unknown")
        with pytest.raises(UsageError):
            parts.attach({"role": "user", "content": 1})
        with pytest.raises(UsageError, match="assistant"):
            parts.attach({"role": "assistant", "content": "hello"})
        assert list(parts.all()) == ["once"]


def _bytes(thread: Thread) -> int:
    info = thread.info()
    assert info is not None
    return info.bytes
