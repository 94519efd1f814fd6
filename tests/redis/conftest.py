from __future__ import annotations

import os

import pytest

from tests.races import figures

say = figures.teller("redis")
pytest_terminal_summary = figures.summary("redis")


@pytest.fixture
def tk_prefix() -> str:
    """What the keys of this test begin with."""
    return f"t{os.urandom(6).hex()}"
