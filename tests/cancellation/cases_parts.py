"""The calls of parts: what each costs, and how it is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from tests.cancellation.case import ONE, Case, Trips
from threadkeep._async.parts import AsyncParts
from threadkeep._async.store import AsyncStore

THREAD, OTHER = "t", "s"
LARGE = "x" * 70_000
PNG = b"\x89PNG\r\n\x1a\n"


async def fill(store: AsyncStore) -> None:
    """Set a part for one message, and in another thread a large one."""
    await store.thread(THREAD).parts.set_text("once", "1", uses=1)
    await store.thread(OTHER).parts.set_text("large", LARGE)


def _parts(
    name: str,
    call: Callable[[AsyncParts], Awaitable[object]],
    trips: Trips = ONE,
    *,
    thread: str = THREAD,
    steps: bool = False,
) -> Case:
    return Case(
        (f"AsyncParts.{name}",),
        lambda store: call(store.thread(thread).parts),
        trips,
        steps=steps,
    )


CASES: dict[str, Case] = {
    "parts.set": _parts("set", lambda parts: parts.set("a", {"part_type": "text", "data": "1"})),
    "parts.set_text": _parts("set_text", lambda parts: parts.set_text("once", "2")),
    "parts.set_image": _parts("set_image", lambda parts: parts.set_image("a", PNG)),
    "parts.set_file": _parts("set_file", lambda parts: parts.set_file("a", PNG)),
    "parts.set_data": _parts("set_data", lambda parts: parts.set_data("a", {"b": 1})),
    "parts.all": _parts("all", lambda parts: parts.all()),
    "parts.delete": _parts("delete", lambda parts: parts.delete("once")),
    "parts.clear": _parts("clear", lambda parts: parts.clear()),
    "parts.attach": _parts("attach", lambda parts: parts.attach("hello"), {"run": 2}),
    "parts.take": _parts("take", lambda parts: parts.take(use=False)),
    "parts.set large": _parts("set", lambda parts: parts.set_text("a", LARGE), {"run": 2}),
    "parts.set known": _parts(
        "set", lambda parts: parts.set_text("a", LARGE), {"run": 2}, thread=OTHER
    ),
    "parts.set over large": _parts(
        "set", lambda parts: parts.set_text("large", "1"), {"run": 2}, thread=OTHER, steps=True
    ),
    "parts.all large": _parts("all", lambda parts: parts.all(), thread=OTHER),
    "parts.delete large": _parts(
        "delete", lambda parts: parts.delete("large"), {"run": 2}, thread=OTHER, steps=True
    ),
    "parts.clear large": _parts("clear", lambda parts: parts.clear(), thread=OTHER),
    "parts.take some": _parts(
        "take",
        lambda parts: parts.take(max_bytes=100, leave_out="last"),
        thread=OTHER,
    ),
}
