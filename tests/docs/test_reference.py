"""The reference says what the code says: generated parts, options, limits, variables."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from threadkeep import Limits, Store, UsageError
from tooling import commands, reference
from tooling.signatures import described

ROOT = Path(__file__).parents[2]
PYTHON = (ROOT / "docs/reference/python.md").read_text(encoding="utf-8")
COMMAND_LINE = (ROOT / "docs/reference/command-line.md").read_text(encoding="utf-8")
SOURCE = '''
"""One line.

A tree.
"""
from typing import overload

Ttl = float | None

class Base(Struct):
    """Base."""
    name: str

class Made(Base, frozen=True, kw_only=True):
    """Made of two fields."""
    size: int = 0
    kind: ClassVar[str] = "x"

class AsyncThing:
    """A thing.

    Args:
        url: where it is
            kept.
        size: how large.
    """
    def __init__(self, url: str, *, size: int = 1) -> None: ...
    @property
    def id(self) -> str:
        """Return the id."""
    async def get(self, name: str, default: object = None, *rest: int, type: object = None) -> str:
        """Get."""
    async def watch(self, /, **options: str) -> AsyncIterator[Change]:
        """Watch."""
    @asynccontextmanager
    async def sweeper(self, *, every: float = 30) -> AsyncGenerator[None]:
        """Sweep."""
    @classmethod
    def parse(cls, text: str) -> AsyncThing:
        """Parse."""
    def _hidden(self) -> None: ...

def bare(): ...
'''


def usages(markdown: str) -> list[str]:
    return re.findall(r"^```\w+ no-run: signature\n(.*?)\n```$", markdown, re.MULTILINE | re.DOTALL)


def test_the_generated_parts_are_up_to_date(capsys: pytest.CaptureFixture[str]):
    assert reference.main(["--check"]) == 0, capsys.readouterr().out


def test_drift_is_found_and_mended(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "src/threadkeep").mkdir(parents=True)
    for name in reference.PUBLIC:
        (tmp_path / name).write_text("__all__ = ['Made']\n", encoding="utf-8")
    (tmp_path / "src/threadkeep/thing.py").write_text(SOURCE, encoding="utf-8")
    page = tmp_path / reference.PYTHON
    page.parent.mkdir(parents=True)
    page.write_text("<!-- api: threadkeep.thing:Made -->\n<!-- /api -->\n", encoding="utf-8")
    arguments = ["--root", str(tmp_path)]
    assert reference.main([*arguments, "--check"]) == 1
    assert "not up to date" in capsys.readouterr().out
    assert reference.main(arguments) == 0
    assert reference.main([*arguments, "--check"]) == 0
    assert "Made of two fields." in page.read_text(encoding="utf-8")
    for broken in ("thing:Nothing -->", "nothing:Made -->", "thing:Made as -->"):
        page.write_text(f"<!-- api: threadkeep.{broken}\n<!-- /api -->\n", encoding="utf-8")
        assert reference.main(arguments) == 1
    page.write_text("nothing generated\n", encoding="utf-8")
    assert reference.main(arguments) == 1
    assert "does not tell of Made" in capsys.readouterr().out


def test_a_class_is_told_by_how_its_methods_are_called():
    text = described(ast.parse(SOURCE), "AsyncThing", "thing", {"parse"})
    assert usages(text) == [
        "AsyncThing(url: str, *, size: int = 1)",
        "thing.id -> str",
        "await thing.get(name: str, default: object = None, *rest: int, type: object = None) -> str",
        "async for change in thing.watch(**options: str)",
        "async with thing.sweeper(*, every: float = 30)",
    ]
    assert "- `url`: where it is\n  kept.\n- `size`: how large." in text
    assert "_hidden" not in text


def test_records_aliases_and_classmethods():
    module = ast.parse(SOURCE)
    assert usages(described(module, "Made", "", set())) == ["Made(*, name: str, size: int = 0)"]
    assert usages(described(module, "Ttl", "", set())) == ["Ttl = float | None"]
    assert described(module, "__doc__", "", set()) == "```text\nA tree.\n```"
    text = described(module, "AsyncThing", "thing", {"get"})
    assert "AsyncThing.parse(text: str) -> AsyncThing" in usages(text)


@pytest.mark.parametrize(
    ("name", "without"), [("Nothing", set()), ("bare", set()), ("AsyncThing", {"nothing"})]
)
def test_what_is_not_there_or_says_nothing_is_an_error(name: str, without: set[str]):
    with pytest.raises(KeyError):
        described(ast.parse(SOURCE), name, "thing", without)


def test_every_command_and_option_is_on_the_page():
    for command, options in commands.option_names().items():
        start = COMMAND_LINE.index(f"\n## {command.split()[0]}\n")
        section = COMMAND_LINE[start : COMMAND_LINE.find("\n## ", start + 1)]
        shared = COMMAND_LINE[: COMMAND_LINE.index("\n## Environment\n")]
        assert f"threadkeep {command}" in section
        for option in options:
            assert option in section or option in shared, f"{command} {option}"


def test_every_environment_variable_is_on_the_page():
    sources = (ROOT / "src/threadkeep").rglob("*.py")
    text = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    used = set(re.findall(r"\bTHREADKEEP_[A-Z_]+\b", text))
    told = set(re.findall(r"^\| `(THREADKEEP_[A-Z_]+)`", COMMAND_LINE, re.MULTILINE))
    assert used == told


def test_the_limits_of_the_page_are_the_defaults():
    found = re.findall(r"^\| `(\w+)` \| ([\d,]+)( MiB)? \|", PYTHON, re.MULTILINE)
    told = {n: int(number.replace(",", "")) << (20 if unit else 0) for n, number, unit in found}
    limits = Limits()
    assert told == {name: getattr(limits, name) for name in limits.__struct_fields__}


def test_the_options_of_urls_are_those_of_the_page(tmp_path: Path):
    begin = PYTHON.index("Options of `sqlite`")
    table = PYTHON[begin : PYTHON.index("\n## ", begin)]
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table, re.MULTILINE)
    for name, values in rows:
        for value in re.findall(r"`(\w+)`", values) or ["0", "3600"]:
            Store(f"sqlite:///{tmp_path}/x.db?{name}={value}").close()
        with pytest.raises(UsageError, match=name):
            Store(f"sqlite:///{tmp_path}/x.db?{name}=nonsense")
    with pytest.raises(UsageError, match="unknown option") as caught:
        Store(f"sqlite:///{tmp_path}/x.db?nonsense=1")
    known = str(caught.value).rpartition("known: ")[2].split(", ")
    assert sorted(name for name, _ in rows) == known
