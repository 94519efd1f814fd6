"""Running the suite against a URL, and the report of it: a verdict for each topic."""

from __future__ import annotations

import asyncio
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from threadkeep.errors import UsageError
from threadkeep.model.refs import Ref
from threadkeep.model.urls import mask
from threadkeep.ops.engine import Capabilities
from threadkeep.testing.verdicts import Report

if find_spec("pytest") is None or find_spec("anyio") is None:
    raise UsageError("the conformance suite needs pytest and anyio: pip install pytest anyio")

from threadkeep.testing.telling import ONLY, PACE, URL, Began, Line, Total, Touched, read_news

T = TypeVar("T")
Told = Callable[[int, int, Line], None]
HERE: Final = Path(__file__).parent
DOUBTFUL: Final = 10  # failures that time may be to blame for; more are the engine's
SLOW: Final = "0.5"  # seconds for a second of a test that is asked again


def check(
    url: str, *, sync: bool = False, patience: float = 300, told: Told | None = None
) -> Report:
    """Run the conformance suite against the store that `url` names, and report.

    The suite writes to namespaces of its own, whose names begin with `check-`, and removes what it
    wrote; nothing else in the store is read, claimed or changed. It takes from ten seconds to some
    minutes, in a process of its own. `sync` checks the engine without await. `patience`: seconds
    without news after which the run is broken off. `told(done, total, line)` is called after each
    test. Where time is real, up to ten failures are asked a second time, more slowly, for a slow
    machine or somebody else's sweeper may have come between; the report names them. Raises what connecting
    raises, and UsageError without pytest and anyio.
    """
    known = _capabilities(url, sync=sync)
    run = _Run(url, sync=sync, patience=patience, told=told)
    begun = time.monotonic()
    try:
        run.wait()
        again = [] if known.clock else run.ask_again()
    finally:
        left = _remove(url, run.touched, sync=sync)
    problems = list(run.problems)
    if left:
        problems.append(f"{len(left)} entities are left, in {left[0].namespace!r} and such")
    return Report(
        url=mask(url),
        engine=known.name,
        version=known.version,
        durability=known.durability,
        sync=sync,
        seconds=round(time.monotonic() - begun, 1),
        lines=tuple(run.lines),
        again=tuple(again),
        problems=tuple(problems),
    )


class _Run:
    """The suite in a process of its own, and what it has told so far."""

    def __init__(self, url: str, *, sync: bool, patience: float, told: Told | None) -> None:
        self.lines: list[Line] = []
        self.touched: set[Ref] = set()
        self.problems: list[str] = []
        self._url, self._patience, self._told = url, patience, told
        self._probe = HERE / ("_sync" if sync else "_async") / "probe.py"
        self._total = 0
        self._running: Began | None = None

    def ask_again(self) -> list[str]:
        """Run those once more that failed, and return their names; what passes now stands in their place."""
        failed = {(one.topic, one.test): one for one in self.lines if one.outcome == "failed"}
        if self.problems or not 0 < len(failed) <= DOUBTFUL:
            return []
        first = self.lines
        self.lines, self._total, self._told = [], 0, None
        self.wait(list(failed))
        passed = {(one.topic, one.test): one for one in self.lines if one.outcome == "passed"}
        self.lines = [passed.get((one.topic, one.test), one) for one in first]
        return [f"{topic}: {test}" for topic, test in failed]

    def wait(self, only: list[tuple[str, str]] | None = None) -> None:
        """Run it to its end, or some of its tests."""
        with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
            settings = Path(folder) / "pytest.ini"
            settings.write_text("[pytest]\n", encoding="utf-8")
            # the URL may hold a password: it goes where other users of the machine cannot see it
            environment = {**os.environ, URL: self._url, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            environment.pop("PYTEST_ADDOPTS", None)
            if only is not None:
                environment |= {ONLY: msgspec.json.encode(only).decode(), PACE: SLOW}
            process = subprocess.Popen(  # noqa: S603 - this Python, on a file of the kit
                _command(self._probe, settings),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
            )
            try:
                self._listen(process)
            finally:
                process.kill()
                process.wait()
            errors.seek(0)
            said = errors.read().decode(errors="replace").replace(self._url, mask(self._url))
            self._conclude(process.returncode, said)

    def _listen(self, process: subprocess.Popen[bytes]) -> None:
        news: queue.Queue[bytes | None] = queue.Queue()
        threading.Thread(target=_forward, args=(process, news), daemon=True).start()
        while True:
            try:
                line = news.get(timeout=self._patience)
            except queue.Empty:
                self.problems.append(f"no news for {self._patience:g} seconds; broken off")
                return
            if line is None:
                process.wait()
                return
            self._hear(line)

    def _hear(self, line: bytes) -> None:
        news = read_news(line)
        if isinstance(news, Total):
            self._total = news.count
        elif isinstance(news, Began):
            self._running = news
        elif isinstance(news, Touched):
            self.touched.add(news.ref)
        elif isinstance(news, Line):
            self._running = None
            self.lines.append(news)
            if self._told is not None:
                self._told(len(self.lines), self._total, news)

    def _conclude(self, code: int, said: str) -> None:
        if self._running is not None:
            at = self._running
            self.lines.append(Line(at.topic, at.test, "failed", 0.0, "it did not come to an end"))
        if len(self.lines) < self._total or not self._total:
            self.problems.append(f"{len(self.lines)} of {self._total} tests ran (exit {code})")
            self.problems += said.strip().splitlines()[-5:]


def _command(probe: Path, settings: Path) -> list[str]:
    plugins = ("threadkeep.testing.telling", "anyio.pytest_plugin", "no:cacheprovider")
    options = [
        "-c",
        str(settings),
        "--noconftest",
        "--import-mode=importlib",
        "-s",
        "-q",
        "--tb=short",
    ]
    named = [word for plugin in plugins for word in ("-p", plugin)]
    return [sys.executable, "-m", "pytest", *options, *named, str(probe)]


def _forward(process: subprocess.Popen[bytes], news: queue.Queue[bytes | None]) -> None:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    with process.stdout:
        for line in process.stdout:
            news.put(line)
    news.put(None)  # it has ended


def _capabilities(url: str, *, sync: bool) -> Capabilities:
    from threadkeep.testing._async import apart
    from threadkeep.testing._sync import apart as twin

    return twin.capabilities_of(url) if sync else _apart(apart.capabilities_of(url))


def _remove(url: str, refs: set[Ref], *, sync: bool) -> tuple[Ref, ...]:
    from threadkeep.testing._async import apart
    from threadkeep.testing._sync import apart as twin

    return twin.remove(url, refs) if sync else _apart(apart.remove(url, refs))


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own: the caller's thread may have one."""
    outcome: list[T | BaseException] = []

    def run() -> None:
        try:
            outcome.append(asyncio.run(work))
        except BaseException as error:  # noqa: BLE001 - raised again below
            outcome.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]
