"""Many callers at once: no error, no lost update, at a server process with several workers."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import httpx
import pytest

from tests.http.running import Running, serving
from tests.races.figures import Say

THREADS = 20  # that the callers meet on


async def crowd(server: Running, callers: int, seconds: float) -> int:
    """Let callers increment and append for some seconds; everything acknowledged must stand. Returns the calls."""
    url = f"http://127.0.0.1:{server.port}/v1/threads"
    done, wrong = [0] * callers, list[str]()
    end = time.monotonic() + seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)

    async def call(client: httpx.AsyncClient, number: int) -> None:
        base = f"{url}/t{number % THREADS}"
        while time.monotonic() < end:
            name = f"{number}-{done[number]}"
            answers = (
                await client.post(f"{base}/state/n/increment", json={}),
                await client.post(f"{base}/messages", json={"messages": [name], "ids": [name]}),
                await client.put(f"{base}/state/of-{number}", json={"value": name}),
                await client.get(f"{base}/state/of-{number}"),
            )
            wrong.extend(answer.text for answer in answers if answer.status_code >= 400)
            if answers[-1].json().get("value") != name:
                wrong.append(f"{number} reads another value than it wrote")
            done[number] += 1

    async with httpx.AsyncClient(limits=limits, timeout=60, trust_env=False) as client:
        await asyncio.gather(*(call(client, number) for number in range(callers)))
        assert wrong == []
        for thread in range(THREADS):
            mine = sum(done[thread::THREADS])
            found = await client.get(f"{url}/t{thread}/state/n")
            assert (thread, found.json()["value"]) == (thread, mine)
            found = await client.get(f"{url}/t{thread}/messages/count")
            assert (thread, found.json()["count"]) == (thread, mine)
    return 4 * sum(done)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("callers", "seconds"),
    [
        (100, 1),
        pytest.param(500, 60, marks=(pytest.mark.long, pytest.mark.serial)),
    ],
)
async def test_no_error_and_no_lost_update(tmp_path: Path, callers: int, seconds: float, say: Say):
    with serving(tmp_path, "--workers", "2") as server:
        calls = await crowd(server, callers, seconds)
    say(f"{callers} callers made {calls} calls in {seconds:g} s")
