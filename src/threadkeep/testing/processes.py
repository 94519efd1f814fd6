"""The environment of processes that the kit starts."""

from __future__ import annotations

import os
import sys


def module_environment() -> dict[str, str]:
    """Return an environment in which `python -m` finds what this process can import."""
    places = [place for place in sys.path if place]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
