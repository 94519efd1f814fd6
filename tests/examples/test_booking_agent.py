"""The booking agent, as a program of its own and as `threadkeep demo`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from threadkeep import AsyncStore
from threadkeep.cli import booking_agent
from threadkeep.cli.booking_agent import THREAD_ID, TTL, run_booking_agent

ROOT = Path(__file__).parents[2]
MESSAGE = "book a flight to Sofia on 2026-06-01"
FIELDS = ["departure", "destination", "flight_prices", "intent", "preferred_seat", "search_results"]


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


def start(tmp_path: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("THREADKEEP_")}
    return subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": os.pathsep.join(sys.path), **env},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )


def demo(tmp_path: Path, *words: str) -> list[dict[str, Any]]:
    done = start(tmp_path, "-m", "threadkeep", "demo", "--json", *words)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_example_is_the_agent_of_the_package():
    """One source of truth: the file in `examples` is the module of the package."""
    example = ROOT / "examples/booking_agent.py"
    assert example.resolve() == Path(booking_agent.__file__).resolve()


def test_the_example_runs_by_itself(tmp_path: Path):
    example = str(ROOT / "examples/booking_agent.py")
    first = start(tmp_path, example, MESSAGE)
    assert first.returncode == 0, first.stderr
    assert "destination = Sofia" in first.stdout
    second = start(tmp_path, example, "hello again")
    assert "destination = Sofia" in second.stdout
    assert (tmp_path / "threadkeep.db").exists()


def test_a_second_process_goes_on_where_the_first_stopped(tmp_path: Path):
    (first,) = demo(tmp_path, "I want to book a flight")
    assert [field["name"] for field in first["fields"]] == ["intent"]
    (second,) = demo(tmp_path, "to Sofia")
    assert [field["name"] for field in second["fields"]] == ["destination", "intent"]
    third, fourth = demo(tmp_path, "on 2026-06-01", "thanks")
    assert [field["name"] for field in third["fields"]] == FIELDS
    assert [field["value"] for field in fourth["fields"]] == [f["value"] for f in third["fields"]]
    assert fourth["thread"] == THREAD_ID == "user-42-thread-001"


def test_each_field_has_its_own_lifetime(tmp_path: Path):
    (found,) = demo(tmp_path, MESSAGE)
    ttls = {field["name"]: field["ttl"] for field in found["fields"]}
    assert ttls == {
        **dict.fromkeys(FIELDS, 1800),
        "flight_prices": 300,
        "preferred_seat": 86_400 * 30,
    }
    assert all(0 < field["remaining"] <= field["ttl"] for field in found["fields"])
    people = start(tmp_path, "-m", "threadkeep", "demo", "hello").stdout
    assert "sliding 30m" in people
    assert "sliding 5m" in people
    assert "sliding 30d" in people


def test_without_messages_and_terminal_it_plays_a_script(tmp_path: Path):
    lines = demo(tmp_path)
    assert len(lines) == 3
    assert [field["name"] for field in lines[-1]["fields"]] == FIELDS
    done = start(tmp_path, "-m", "threadkeep", "demo")
    assert "remembers 6 fields" in done.stderr
    assert "> to Sofia, please" in done.stderr
    assert "Sofia" in done.stdout


@pytest.mark.anyio
async def test_the_steps_of_the_agent(tmp_path: Path):
    clock = Clock()
    async with AsyncStore(f"sqlite:///{tmp_path}/a.db", ttl=TTL, clock=clock) as store:

        async def say(message: str) -> dict[str, Any]:
            return dict(await run_booking_agent(store, THREAD_ID, message))

        assert await say("hello") == {}
        assert await say("please book me a flight") == {"intent": "book_flight"}
        assert (await say("TO Sofia"))["destination"] == "Sofia"
        state = await say("on 2026-06-01")
        results = state["search_results"]
        assert {flight["destination"] for flight in results} == {"Sofia"}
        assert state == await say("thanks")

        clock.now += (
            400  # the prices are stale; everything else is there, and is not searched again
        )
        assert "flight_prices" not in await store.thread(THREAD_ID).state.get_all(renew=False)
        assert (await say("still there?"))["search_results"] == results
        assert await store.thread(THREAD_ID).state.get("flight_prices") is None

        clock.now += 1_900  # the session is over; what the user prefers is not
        assert await say("hello") == {"preferred_seat": "aisle"}
        clock.now += 86_400 * 31
        assert await say("hello") == {}


@pytest.mark.anyio
async def test_to_book_is_no_destination(tmp_path: Path):
    async with AsyncStore(f"sqlite:///{tmp_path}/a.db", ttl=TTL) as store:
        message = "I want to book a flight to Sofia on 2026-06-01"
        assert (await run_booking_agent(store, "t", message)).get("destination") == "Sofia"
        assert "destination" not in await run_booking_agent(store, "u", "I want to book a flight")
