"""Hold the limits of size: a file has at most 300 lines, a function at most 40 without docstring.

Looks at src, without the generated `_sync` folders. What is larger stands in `sizes.txt` beside
this file, one `path lines # reason` or `path::function lines # reason` a line. An entry may only
shrink: it is an error when the thing has grown, when it has shrunk (write the smaller number) and
when it is within the limit or gone (remove the line).
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXCEPTIONS = Path(__file__).with_name("sizes.txt")
FILE_LIMIT = 300
FUNCTION_LIMIT = 40
SUFFIXES = {".lua", ".py", ".sql"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def function_lines(node: Function) -> int:
    """Return the lines from `def` to the end, without the docstring."""
    first = node.body[0]
    documented = ast.get_docstring(node, clean=False) is not None
    docstring = (first.end_lineno or first.lineno) - first.lineno + 1 if documented else 0
    return (node.end_lineno or node.lineno) - node.lineno + 1 - docstring


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield every function with its dotted name, also the methods and those inside others."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield prefix + node.name, node
        named = isinstance(node, Function | ast.ClassDef)
        yield from functions(node, f"{prefix}{node.name}." if named else prefix)


def measured(root: Path) -> dict[str, tuple[int, int]]:
    """Return the lines and the limit of every file and function, by the name of its exception."""
    found: dict[str, tuple[int, int]] = {}
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in SUFFIXES or "_sync" in path.parts:
            continue
        text = path.read_text(encoding="utf-8")
        name = path.relative_to(root).as_posix()
        found[name] = (len(text.splitlines()), FILE_LIMIT)
        if path.suffix == ".py":
            for function, node in functions(ast.parse(text, name)):
                key = f"{name}::{function}"
                longest = max(function_lines(node), found.get(key, (0, 0))[0])  # overloads
                found[key] = (longest, FUNCTION_LIMIT)
    return found


def read_exceptions(path: Path) -> tuple[dict[str, int], list[str]]:
    """Return the lines that each exception allows, and what is wrong with the list itself."""
    allowed: dict[str, int] = {}
    wrong: list[str] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        entry, _, reason = line.partition("#")
        name, _, lines = entry.strip().rpartition(" ")
        if not (name and lines.isdigit() and reason.strip()):
            wrong.append(f"{path.name}:{number}: not of the form `path[::function] lines # reason`")
        elif name in allowed:
            wrong.append(f"{path.name}:{number}: {name} is listed twice")
        else:
            allowed[name.strip()] = int(lines)
    return allowed, wrong


def problems(sizes: dict[str, tuple[int, int]], allowed: dict[str, int]) -> list[str]:
    """Return one sentence for each thing that is too large and each exception that is stale."""
    found: list[str] = []
    for name, (lines, limit) in sizes.items():
        listed = allowed.get(name)
        if listed is None:
            if lines > limit:
                found.append(f"{name}: {lines} lines, the limit is {limit}")
        elif lines <= limit:
            found.append(f"{name}: {lines} lines is within the limit; remove its exception")
        elif lines > listed:
            found.append(f"{name}: {lines} lines, its exception allows {listed}")
        elif lines < listed:
            found.append(f"{name}: {lines} lines; lower its exception from {listed}")
    found += [
        f"{name}: there is no such thing; remove its exception" for name in allowed.keys() - sizes
    ]
    return found


def main() -> int:
    """Print what is wrong; return 1 when something is."""
    allowed, wrong = read_exceptions(EXCEPTIONS)
    try:
        wrong += problems(measured(ROOT), allowed)
    except SyntaxError as error:
        wrong.append(f"{error.filename}:{error.lineno}: {error.msg}")
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
