"""The code of docs/how-to/write-an-engine.md, as a reader has it after following the page."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs/how-to/write-an-engine.md").read_text(encoding="utf-8")


def file(name: str) -> str:
    """Return the block that the page says is this file."""
    found = re.findall(
        rf"^```\w+ file={re.escape(name)}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL
    )
    assert len(found) == 1, f"the page has {len(found)} blocks for {name}"
    return found[0]


def kit() -> str:
    """Return the block that gives the suite its fixture."""
    blocks = re.findall(r"^```python[^\n]*\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if "def make_engine" in block]
    assert len(found) == 1, f"the page has {len(found)} blocks with the fixture"
    return found[0]


def module() -> ModuleType:
    """Return the page's engine as the module `folder_engine`, importable by that name."""
    made = sys.modules.get("folder_engine")
    if made is None:
        made = ModuleType("folder_engine")
        sys.modules["folder_engine"] = made
        code = compile(file("folder_engine.py"), "folder_engine.py", "exec", dont_inherit=True)
        exec(code, made.__dict__)
    return made
