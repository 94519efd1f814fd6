"""Start the modules of this folder in processes of their own."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def module_command(name: str, *arguments: object) -> list[str]:
    """The command that runs one module of this folder as a program."""
    return [sys.executable, "-m", f"tests.faults.{name}", *map(str, arguments)]


def module_environment() -> dict[str, str]:
    """An environment in which that command finds this folder and the same threadkeep as we do."""
    places = [str(ROOT)]
    spec = importlib.util.find_spec("threadkeep")
    if spec and spec.origin:
        places.append(str(Path(spec.origin).resolve().parents[1]))
    if inherited := os.environ.get("PYTHONPATH"):
        places.append(inherited)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
