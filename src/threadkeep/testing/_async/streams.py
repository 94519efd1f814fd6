"""Results that come in pieces."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

import pytest

from threadkeep._async.store import AsyncStore
from threadkeep.errors import CodecError
from threadkeep.model.blocks import TextBlock
from threadkeep.model.options import Limits
from threadkeep.testing._async.fixtures import MakeStore

PARAMS: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Sofia?"}]}
PIECES: list[Any] = [{"delta": "So"}, {"delta": "fia"}, {"delta": "", "finish_reason": "stop"}]


class Source:
    """A stream of a model that notes when it is begun and left."""

    def __init__(self, pieces: list[Any]) -> None:
        self.pieces = pieces
        self.begun = 0
        self.left = 0

    async def begin(self, **_: Any) -> AsyncGenerator[Any]:
        """Yield the pieces; an exception among them is raised."""
        self.begun += 1
        try:
            for piece in self.pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            self.left += 1


@pytest.mark.anyio
class TestStreams:
    """What comes in pieces is replayed in the same pieces, and only when it was whole."""

    async def test_pieces_come_back_as_they_were(self, store: AsyncStore) -> None:
        source = Source(PIECES)
        for _ in range(3):
            found = [piece async for piece in store.llm.stream(PARAMS, source.begin)]
            assert found == PIECES
        assert (source.begun, source.left) == (1, 1)
        assert await store.llm.replay(PARAMS) == PIECES
        assert not (await store.llm.check(PARAMS)).hit
        again = [piece async for piece in store.llm.stream(PARAMS, source.begin, refresh=True)]
        assert (again, source.begun) == (PIECES, 2)
        assert await store.llm.invalidate(PARAMS)
        assert await store.llm.replay(PARAMS) is None

    async def test_recording(self, store: AsyncStore) -> None:
        seen: list[Any] = []
        async for piece in store.tools.record("t", {"n": 1}, Source(["a", b"b", 3]).begin()):
            seen.append(piece)
            assert await store.tools.replay("t", {"n": 1}) is None
        assert seen == await store.tools.replay("t", {"n": 1}) == ["a", b"b", 3]
        assert await store.tools.replay("t", {"n": 2}) is None
        assert await store.tools.invalidate_tool("t") == 1

    async def test_a_stream_that_ends_early_is_not_kept(self, store: AsyncStore) -> None:
        broken = Source([*PIECES, ConnectionError("lost")])
        with pytest.raises(ConnectionError):
            async for _ in store.llm.stream(PARAMS, broken.begin):
                pass
        left = Source(PIECES)
        stream = store.llm.stream(PARAMS, left.begin)
        async for _ in stream:
            break
        await stream.aclose()
        assert (left.begun, left.left) == (1, 1)
        refused = Source([PIECES[0], {"finish_reason": "content_filter"}])
        assert len([piece async for piece in store.llm.stream(PARAMS, refused.begin)]) == 2
        assert await store.llm.replay(PARAMS) is None

    async def test_a_stream_over_the_limit_passes_and_is_not_kept(
        self, make_store: MakeStore
    ) -> None:
        store = make_store(limits=Limits(value=1_000))
        source = Source(["x" * 400] * 5)
        found = [piece async for piece in store.llm.stream(PARAMS, source.begin)]
        assert found == source.pieces
        assert await store.llm.replay(PARAMS) is None
        assert (await store.stats()).llm.total.errors == 1

    async def test_typed_pieces(self, store: AsyncStore) -> None:
        source = Source([TextBlock("a"), TextBlock("b")])
        for _ in range(2):
            stream = store.llm.stream(PARAMS, source.begin, type=TextBlock)
            assert [piece async for piece in stream] == source.pieces
        assert await store.llm.replay(PARAMS) == [
            {"type": "text", "text": "a", "hints": None},
            {"type": "text", "text": "b", "hints": None},
        ]
        with pytest.raises(CodecError):
            await store.llm.replay(PARAMS, type=int)
