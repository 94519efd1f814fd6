"""Asking for what an engine can do, by the names of its capabilities and never by its own."""

from __future__ import annotations

from typing import Final

import pytest

from threadkeep.ops.engine import Capabilities

ASKED: Final = ("clock", "limits", "processes", "watch")


def needs(capability: str) -> pytest.MarkDecorator:
    """Mark a test that an engine without this capability need not pass: it is skipped, and says so."""
    assert capability in ASKED, f"the suite asks for {', '.join(ASKED)}, not for {capability}"  # noqa: S101 - a slip in the suite
    return pytest.mark.usefixtures(f"needs_{capability}")


def require(capabilities: Capabilities, name: str) -> None:
    """Skip the running test when the engine lacks the capability."""
    if not getattr(capabilities, name):
        pytest.skip(f"capability: {name}")
