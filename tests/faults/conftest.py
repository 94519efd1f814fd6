"""What the fault tests share: the seed, the figures they report, and what they need to run."""

from __future__ import annotations

import ctypes.util
import importlib.util
import os
import secrets
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

SEED = "THREADKEEP_FAULT_SEED"
FIGURE = "fault"
FUSE = "FUSE"
DEVICE = "/dev/fuse"

Say = Callable[[str], None]


@pytest.fixture
def say(record_property: Callable[[str, object], None]) -> Say:
    """Report a figure: it stands in the summary of the run, whether the test passes or fails."""
    return lambda text: record_property(FIGURE, text)


@pytest.fixture
def random(say: Say) -> Random:
    """Random numbers from a seed that is reported and that the environment can set."""
    seed = int(os.environ.get(SEED) or secrets.randbelow(1_000_000))
    say(f"{SEED}={seed}")
    return Random(seed)


@pytest.fixture
def strace() -> str:
    """The path of strace."""
    return shutil.which("strace") or pytest.skip("strace is not installed")


@pytest.fixture
def fuse() -> None:
    """Skip where no FUSE file system can be mounted.

    A kernel without FUSE is no failure in CI, for power loss is tested then with recorded writes;
    a package that is not installed is one.
    """
    if not Path(DEVICE).exists():
        pytest.skip(f"capability: the kernel has no {DEVICE}")
    if reason := fuse_is_missing():
        pytest.skip(reason)


@pytest.fixture
def way_to_cut(request: pytest.FixtureRequest) -> str:
    """`FUSE`, or where the kernel has none the path of strace, to record writes and replay them."""
    if Path(DEVICE).exists():
        request.getfixturevalue("fuse")
        return FUSE
    return request.getfixturevalue("strace")


def fuse_is_missing() -> str | None:
    """Say what keeps us from mounting a FUSE file system; None: nothing."""
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        return f"{DEVICE} may not be opened"
    if not shutil.which("fusermount3"):
        return "fusermount3 is not installed (Debian: fuse3)"
    if not ctypes.util.find_library("fuse3"):
        return "libfuse3 is not installed (Debian: fuse3)"
    if not importlib.util.find_spec("mfusepy"):
        return "the package mfusepy is not installed"
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the fault tests reported."""
    for reports in terminalreporter.stats.values():
        for report in reports:
            figures = [v for k, v in getattr(report, "user_properties", ()) if k == FIGURE]
            if figures and getattr(report, "when", None) == "call":
                terminalreporter.write_line(f"{report.nodeid}: {'; '.join(map(str, figures))}")
