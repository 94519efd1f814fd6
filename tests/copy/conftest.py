from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator

import pytest

from tests.cli.contents import fill
from tests.copy.places import KINDS, Places
from tests.races import figures
from threadkeep import AsyncStore, Store

say = figures.teller("copy")
pytest_terminal_summary = figures.summary("copy")
FEW, BATCH = 300, 500


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    places = Places(tmp_path_factory.mktemp("copies"))
    yield places
    places.close()


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("THREADKEEP_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="session")
def filled(places: Places) -> dict[str, str]:
    """The URLs of equal stores, one of each kind, with something of everything."""
    urls = {kind: places.url(kind, "filled") for kind in KINDS}
    for url in urls.values():
        with Store(url) as store:
            fill(store, big=2_500)
    return urls


async def fill_many(url: str, threads: int) -> None:
    """Write many threads as agents have them: some fields, some messages, labels."""
    async with AsyncStore(url) as store:

        async def one(number: int) -> None:
            thread = store.thread(f"thread-{number:06}")
            fields = {
                "intent": "book_flight",
                "number": number,
                "city": "Sofia",
                "raw": b"\x00\xff",
            }
            await thread.state.update(fields, ttl=86_400)
            asked = {"role": "user", "content": f"question {number}"}
            await thread.messages.append(asked, {"role": "assistant", "content": "x" * 200})
            if number % 10 == 0:
                await thread.set_labels(user=f"user-{number % 100}")

        for low in range(0, threads, BATCH):
            await asyncio.gather(*(one(n) for n in range(low, min(low + BATCH, threads))))
