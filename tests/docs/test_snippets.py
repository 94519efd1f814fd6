"""Every snippet of the README and the docs runs: a page's blocks in order, in one program."""

from __future__ import annotations

import ast
import asyncio
import inspect
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL = ("console",)


def blocks(page: Path) -> list[tuple[str, str, str, int]]:
    """Return (language, rest of the fence line, text, line number) of a page's fenced blocks."""
    text = page.read_text(encoding="utf-8")
    return [
        (m[1], m[2].strip(), m[3], text[: m.start()].count("\n") + 2) for m in BLOCK.finditer(text)
    ]


def run_python(source: str, space: dict[str, object], page: Path, line: int) -> None:
    """Run one block; `await` may stand at top level, in a loop of the page's own."""
    tree = compile(
        "\n" * (line - 1) + source,
        str(page),
        "exec",
        flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )
    result = eval(tree, space)
    if inspect.iscoroutine(result):
        loop = space["__loop__"]
        assert isinstance(loop, asyncio.AbstractEventLoop)
        loop.run_until_complete(result)


def run_console(source: str, line: int) -> None:
    """Run the lines that begin with `$ threadkeep`; each must end with exit code 0."""
    ran = 0
    for command in re.findall(r"^\$ (.*)$", source, re.MULTILINE):
        words = shlex.split(command, comments=True)
        assert words[0] == "threadkeep", (
            f"line {line}: a console block runs threadkeep, not {words[0]}"
        )
        done = subprocess.run(
            [sys.executable, "-m", "threadkeep", *words[1:]],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"line {line}: {command}\n{done.stdout}{done.stderr}"
        ran += 1
    assert ran, f"line {line}: a console block without a command"


def run_sql(source: str, database: str, line: int) -> None:
    """Run a query on the database that the fence line names, as a reader; it must find something."""
    con = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        assert con.execute(source).fetchall(), f"line {line}: the query finds nothing"
    finally:
        con.close()


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_page(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run in order in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    monkeypatch.delenv("THREADKEEP_URL", raising=False)
    loop = asyncio.new_event_loop()
    space: dict[str, object] = {"__name__": "__page__", "__loop__": loop}
    try:
        for language, rest, source, line in blocks(page):
            if language == "python" and "no-run" not in rest:
                run_python(source, space, page, line)
            elif language in SHELL and "no-run" not in rest:
                run_console(source, line)
            elif language == "sql" and "no-run" not in rest:
                run_sql(source, rest, line)
    finally:
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()


def test_nothing_is_left_out_silently() -> None:
    """A block that does not run says why on its fence line."""
    for page in PAGES:
        for language, rest, _, line in blocks(page):
            if "no-run" in rest:
                assert re.search(r"no-run: \w+", rest), f"{page}:{line}: say why it does not run"
            assert language in ("python", "console", "text", "sql", "toml", "sh"), f"{page}:{line}"
