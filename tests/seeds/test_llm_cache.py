"""The answer cache of a session page's documentation: one for all instances, an hour by default."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from threadkeep import AsyncStore

pytestmark = pytest.mark.anyio


class Agent:
    """An agent that asks its model through the cache that it is given."""

    def __init__(self, model: str, store: AsyncStore) -> None:
        self._model, self._store = model, store
        self.asked = 0

    async def run(self, prompt: str) -> str:
        request: dict[str, Any] = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
        }
        return await self._store.llm.run(request, self._ask)

    async def _ask(self, **request: Any) -> str:
        self.asked += 1
        return f"{request['model']} heard: {request['messages'][0]['content']}"


@pytest.mark.parametrize("kind", ["sqlite", "valkey9_url"])
async def test_instances_share_the_answers(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Two instances, one call; another model is another call; an answer lives an hour."""
    place = tmp_path / "agent.db"
    url = f"sqlite:///{place}" if kind == "sqlite" else request.getfixturevalue(kind)
    namespace = f"seed-{os.urandom(6).hex()}"
    async with (
        AsyncStore(url, namespace=namespace) as one,
        AsyncStore(url, namespace=namespace) as two,
    ):
        agents = [Agent("gpt-4o", one), Agent("gpt-4o", two), Agent("gpt-4o-mini", two)]
        answers = [await agent.run("My favorite color is blue.") for agent in agents]
        assert answers[0] == answers[1] == "gpt-4o heard: My favorite color is blue."
        assert [agent.asked for agent in agents] == [1, 0, 1]
        message = {"role": "user", "content": "My favorite color is blue."}
        hit = await two.llm.check({"model": "gpt-4o", "messages": [message]})
        assert hit.ttl is not None
        assert 3_000 < hit.ttl <= 3_600
