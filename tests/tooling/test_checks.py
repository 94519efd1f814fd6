"""The steps of scripts/check that are our own: sizes, versions, hygiene."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tooling import hygiene, sizes, versions

LONG = "def f():\n" + "    x\n" * 40


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("def f(): ...\n", 1),
        ('def f():\n    """One.\n\n    Two.\n    """\n    return 1\n', 2),
        ("@a\n@b\ndef f(\n    x,\n):\n    pass\n", 4),
        ("async def f():\n    'd'\n    def g():\n        pass\n", 3),
    ],
)
def test_a_function_counts_without_its_docstring(source: str, lines: int) -> None:
    node = ast.parse(source).body[0]
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    assert sizes.function_lines(node) == lines


def test_sizes_are_measured_in_src_but_not_in_twins(tmp_path: Path) -> None:
    for name in ("src/a.py", "src/_sync/b.py", "src/c.sql", "tests/d.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("class C:\n    def f(self): ...\n", encoding="utf-8")
    assert sizes.measured(tmp_path) == {
        "src/a.py": (2, 300),
        "src/a.py::C.f": (1, 40),
        "src/c.sql": (2, 300),
    }


@pytest.mark.parametrize(
    ("lines", "allowed", "problem"),
    [
        (40, {}, None),
        (41, {}, "f: 41 lines, the limit is 40"),
        (41, {"f": 41}, None),
        (42, {"f": 41}, "f: 42 lines, its exception allows 41"),
        (41, {"f": 50}, "f: 41 lines; lower its exception from 50"),
        (40, {"f": 50}, "f: 40 lines is within the limit; remove its exception"),
        (1, {"g": 50}, "g: there is no such thing; remove its exception"),
    ],
)
def test_an_exception_of_size_only_shrinks(
    lines: int, allowed: dict[str, int], problem: str | None
) -> None:
    assert sizes.problems({"f": (lines, 40)}, allowed) == ([problem] if problem else [])


def test_an_exception_of_size_needs_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "sizes.txt"
    path.write_text("# note\n\na.py 301 # one table\nb.py 302\nc.py # no number\na.py 9 # again\n")
    allowed, wrong = sizes.read_exceptions(path)
    assert allowed == {"a.py": 301}
    assert [line.partition(": ")[0] for line in wrong] == [
        "sizes.txt:4",
        "sizes.txt:5",
        "sizes.txt:6",
    ]


@pytest.mark.parametrize(
    ("version", "headings", "fits"),
    [
        ("0.1.0", ["[Unreleased]"], True),
        ("0.1.0", ["[0.1.0] - 2026-01-02"], True),
        ("0.2.0", ["[Unreleased]", "[0.1.0] - 2026-01-02"], True),
        ("0.10.0", ["[0.10.0] - 2026-01-02", "[0.9.0] - 2026-01-01"], True),
        ("0.1.0", [], False),
        ("0.2.0", ["[0.1.0] - 2026-01-02"], False),
        ("0.1.0", ["[Unreleased]", "[0.2.0] - 2026-01-02"], False),
        ("0.2.0", ["[Unreleased]", "[0.1.0] - 2026-01-02", "[0.2.0] - 2026-01-02"], False),
        ("0.1.0", ["0.1.0"], False),
        ("0.1", ["[Unreleased]"], False),
    ],
)
def test_version_and_changelog_agree(version: str, headings: list[str], fits: bool) -> None:
    changelog = "# Changelog\n" + "".join(f"\n## {heading}\n" for heading in headings)
    assert (versions.problem(version, changelog) is None) is fits


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "key = '" + "AKIA" + "A" * 16 + "'",
        "token = '" + "sk-" + "a" * 24 + "'",
        "open('" + "/home" + "/somebody/x')",
        "#!" + "/tmp/venv" + "/bin/python",
        "https://" + "pypi" + ".org/simple",
        "pip install --index" + "-url http://x",
    ],
)
def test_a_line_that_must_not_be_committed_is_found(line: str) -> None:
    found = list(hygiene.text_problems(Path("x.py"), f"one\n{line}\n"))
    assert len(found) == 1
    assert found[0].startswith("x.py:2: ")
    assert not list(hygiene.text_problems(Path("x.py"), f"{line}  # hygiene: allow\n"))


@pytest.mark.parametrize(
    "line", ["threadkeep.work/x", "$HOME/x", "/usr/bin/env", "task-force-of-the-week"]
)
def test_an_ordinary_line_passes(line: str) -> None:
    assert not list(hygiene.text_problems(Path("x.py"), line))


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("src/utils.py", 1),
        ("src/helpers/common.py", 2),
        ("src/_util/x.py", 1),
        ("src/utility.py", 0),
    ],
)
def test_a_vague_name_is_found(name: str, count: int) -> None:
    assert len(list(hygiene.name_problems(Path(name)))) == count
