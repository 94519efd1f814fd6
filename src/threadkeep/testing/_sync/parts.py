# Generated from src/threadkeep/testing/_async/parts.py by scripts/unasync. Do not edit.
"""User parts: what waits for the next user message."""

from __future__ import annotations

import pytest

from threadkeep._sync.entity import Thread
from threadkeep._sync.store import Store
from threadkeep.errors import TooLarge, UsageError
from threadkeep.testing._sync.clock import Clock
from threadkeep.testing.tasks import Tasks

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
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

    def test_images_are_what_they_say(self, thread: Thread) -> None:
        thread.parts.set_image("i", PNG)
        thread.parts.set_image("u", url="https://example.org/x.png", mime_type="image/png")
        assert (thread.parts.all())["i"]["data"]["mime_type"] == "image/png"
        for wrong in ("image/gif", "text/plain"):
            with pytest.raises(UsageError):
                thread.parts.set_image("w", PNG, mime_type=wrong)
        with pytest.raises(UsageError):
            thread.parts.set_image("w", "no base64", mime_type="image/png")
        with pytest.raises(UsageError):
            thread.parts.set_image("w", PNG, url="https://example.org", mime_type="image/png")
        with pytest.raises(UsageError):
            thread.parts.set("w", {"part_type": "image", "data": {"type": "bytes"}})
        assert list(thread.parts.all()) == ["i", "u"]

    def test_an_image_may_be_larger_than_a_value(self, thread: Thread) -> None:
        image = PNG + bytes(2 << 20)
        thread.parts.set_image("i", image)
        assert len((thread.parts.all())["i"]["data"]["bytes"]) > 2 << 20

    def test_clearing_leaves_the_rest(self, thread: Thread) -> None:
        thread.parts.set_text("a", "1")
        thread.parts.set_text("b", "2")
        thread.state.set("kept", 1)
        assert thread.parts.delete("a")
        assert not thread.parts.delete("a")
        assert thread.parts.clear() == 1
        assert thread.state.get_all() == {"kept": 1}

    def test_formats_are_known_before_anything_is_used(self, store: Store) -> None:
        parts = store.thread("t").parts
        parts.set_text("once", "1", uses=1)
        with pytest.raises(UsageError):
            parts.attach(HELLO, format="unknown")
        with pytest.raises(UsageError):
            parts.attach({"role": "user", "content": 1})
        assert list(parts.all()) == ["once"]
