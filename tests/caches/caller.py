"""A process that calls a tool through the cache: python -m tests.caches.caller URL NAMESPACE LOG CALLERS HOW

The tool writes a line to LOG for each of its calls. HOW: `works` takes a moment, `hangs` never returns. The
process says "ready" when it is connected and begins when it is told to, by a line on its standard input.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from threadkeep import AsyncStore, CacheOptions

CLAIM_SECONDS = 1.0
ARGS = {"city": "Sofia"}


def say(*lines: str) -> None:
    """Write lines to the standard output at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


async def main(url: str, namespace: str, log: Path, callers: int, how: str) -> None:
    """Call the tool `callers` times at once and say each result."""

    async def tool(city: str) -> str:
        with log.open("a") as calls:
            calls.write(f"{os.getpid()}\n")
        if how == "hangs":
            await asyncio.Event().wait()
        await asyncio.sleep(0.3)
        return f"sunny in {city}"

    options = CacheOptions(claim_seconds=CLAIM_SECONDS)
    async with AsyncStore(url, namespace=namespace, caches=options) as store:
        await store.tools.check("other")
        say("ready")
        await asyncio.to_thread(sys.stdin.readline)
        calls = [store.tools.run("weather", ARGS, tool) for _ in range(callers)]
        say(*await asyncio.gather(*calls))


if __name__ == "__main__":
    place, mine, file, many, manner = sys.argv[1:]
    asyncio.run(main(place, mine, Path(file), int(many), manner))
