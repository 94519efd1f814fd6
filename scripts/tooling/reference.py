"""Write the generated parts of docs/reference from docstrings, or check that they are up to date.

    scripts/reference            write them
    scripts/reference --check    change nothing; name what differs

A generated part stands between two comments of its page:

    <!-- api: threadkeep._async.state:AsyncState as state without _put -->
    ...
    <!-- /api -->

`as NAME`: a class whose methods are called on NAME. Without it the class is a record, and several may be
named with commas; each gets a heading. `without`: public methods that are no part of the interface.

    <!-- cli: set -->
    ...
    <!-- /cli -->

A command of the command line, or one of the parts that `commands.py` names.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

from tooling.signatures import described

ROOT = Path(__file__).resolve().parents[2]
PAGES = "docs/reference"
PYTHON = "docs/reference/python.md"
PUBLIC = (
    "src/threadkeep/__init__.py",
    "src/threadkeep/caching.py",
    "src/threadkeep/wrapping.py",
)
PART = re.compile(
    r"(?P<begin><!-- api: (?P<module>[\w.]+):(?P<names>[\w, ]+?)"
    r"(?: as (?P<shown>[\w.]+))?(?: without (?P<without>[\w, ]+))? -->\n)"
    r".*?(?P<end><!-- /api -->)",
    re.DOTALL,
)


CLI_PART = re.compile(r"(<!-- cli: ([\w ]+) -->\n).*?(<!-- /cli -->)", re.DOTALL)


class Failure(Exception):
    """What is wrong with a page, in words for the person who wrote it."""


def filled(root: Path, page: str) -> str:
    """Return the text of a page with its generated parts written anew."""

    def part(found: re.Match[str]) -> str:
        module = _module(root, found["module"])
        without = set((found["without"] or "").replace(" ", "").split(",")) - {""}
        names = found["names"].replace(" ", "").split(",")
        texts: list[str] = []
        for name in names:
            try:
                text = described(module, name, found["shown"] or "", without)
            except KeyError as error:
                raise Failure(f"{page}: {found['module']} has no {error.args[0]}") from None
            alone = found["shown"] or len(names) == 1
            texts.append(text if alone else f"### `{name}`\n\n{text}")
        between = "\n\n".join(texts)
        return f"{found['begin']}\n{between}\n\n{found['end']}"

    text = (root / page).read_text(encoding="utf-8")
    if text.count("<!-- api:") != len(PART.findall(text)):
        raise Failure(f"{page}: an api comment is not of the form that scripts/reference knows")
    return _with_commands(page, PART.sub(part, text))


def _with_commands(page: str, text: str) -> str:
    if "<!-- cli:" not in text:
        return text
    from tooling import commands

    parts = commands.parts()

    def part(found: re.Match[str]) -> str:
        if found[2] not in parts:
            raise Failure(f"{page}: the command line has no {found[2]!r}")
        return f"{found[1]}\n{parts.pop(found[2])}\n\n{found[3]}"

    filled = CLI_PART.sub(part, text)
    if parts:
        raise Failure(f"{page} does not tell of {', '.join(parts)}")
    return filled


def _module(root: Path, name: str) -> ast.Module:
    path = root / "src" / Path(*name.split("."))
    source = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    if not source.exists():
        raise Failure(f"there is no module {name}")
    return ast.parse(source.read_text(encoding="utf-8"))


def public_names(root: Path, module: str) -> list[str]:
    """Return the names that a module exports."""
    for node in ast.parse((root / module).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return ast.literal_eval(node.value)
    raise Failure(f"{module} has no __all__")


def unmentioned(root: Path, text: str) -> list[str]:
    """Return the public names that no heading, comment or table row of the page is about."""
    told = "\n".join(re.findall(r"^(?:#|<!-- api:|\|).*$", text, re.MULTILINE))
    names = [name for module in PUBLIC for name in public_names(root, module)]
    return [name for name in names if not re.search(rf"\b{name}\b", told)]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 when all is well, 1 on drift or failure."""
    summary = (__doc__ or "").split("\n")[0]
    parser = argparse.ArgumentParser(prog="scripts/reference", description=summary)
    parser.add_argument("--check", action="store_true", help="change nothing, fail on drift")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project (default: this one)")
    options = parser.parse_args(arguments)
    root: Path = options.root.resolve()
    wrong: list[str] = []
    for path in sorted((root / PAGES).glob("*.md")):
        page = path.relative_to(root).as_posix()
        try:
            text = filled(root, page)
        except Failure as failure:
            wrong.append(str(failure))
            continue
        if text != path.read_text(encoding="utf-8"):
            if options.check:
                wrong.append(f"{page} is not up to date; run scripts/reference")
            else:
                path.write_text(text, encoding="utf-8")
                print(f"wrote    {page}")
        if page == PYTHON:
            wrong += [f"{page} does not tell of {name}" for name in unmentioned(root, text)]
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
