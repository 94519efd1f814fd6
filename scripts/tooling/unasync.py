"""Generate the sync twin of each `_async` folder, or check that it is up to date.

    scripts/unasync            write src/threadkeep/_sync, src/threadkeep/testing/_sync, tests/_sync
    scripts/unasync --check    change nothing; name every file that differs, is missing or is extra

Rules for the hand-written side (`CONTRIBUTING.md` has examples):
- `# sync: skip-file` before the first statement: the file has no generated twin. A twin written by
  hand may stand in its place.
- `# sync: off` and `# sync: on`, each on a line of its own: what is between them is left out.

The rewriting itself is in `twin.py`. ruff orders the imports of the twin, drops those it no longer
needs and formats it.
"""

from __future__ import annotations

import argparse
import difflib
import subprocess
import sys
import sysconfig
import tempfile
import tokenize
from pathlib import Path
from shutil import which

from tooling.twin import MarkerError, is_skipped, to_sync

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    "src/threadkeep/_async",
    "src/threadkeep/engines/document/_async",
    "src/threadkeep/engines/query/_async",
    "src/threadkeep/engines/redis/links/_async",
    "src/threadkeep/testing/_async",
    "tests/_async",
)
HEADER = "# Generated from {source} by scripts/unasync. Do not edit.\n"
MARK = "# Generated from "
# I001 order; F401, TC005 what nobody uses any more; PYI016 `X | Awaitable[X]` became `X | X`
FIXES = "I001,F401,PYI016,TC005"


class Failure(Exception):
    """What stops the whole run, in words for the person who started it."""


def sources(root: Path, folder: str) -> list[Path]:
    """Return the hand-written modules of a folder, sorted; none when there is no such folder."""
    return sorted((root / folder).rglob("*.py"))


def twin_path(root: Path, source: Path) -> Path:
    """Return where the twin of a module stands: the same place, `_sync` for `_async`."""
    parts = source.relative_to(root).parts
    return root.joinpath(*("_sync" if part == "_async" else part for part in parts))


def generate(root: Path) -> dict[Path, str]:
    """Return the text of every twin by its path, not yet formatted."""
    twins: dict[Path, str] = {}
    for folder in FOLDERS:
        for source in sources(root, folder):
            name = source.relative_to(root).as_posix()
            try:
                twin = _twin(source.read_text(encoding="utf-8"), name)
            except MarkerError as error:
                raise Failure(f"{name}: {error}") from None
            except (SyntaxError, tokenize.TokenError) as error:
                raise Failure(f"{name} or its twin is not valid Python: {error}") from None
            if twin is not None:
                twins[twin_path(root, source)] = twin
    return twins


def _twin(text: str, name: str) -> str | None:
    if is_skipped(text):
        return None
    twin = HEADER.format(source=name) + to_sync(text)
    compile(twin, name, "exec", dont_inherit=True)
    return twin


def extras(root: Path, twins: dict[Path, str]) -> list[Path]:
    """Return the modules in `_sync` folders that should not be there.

    A file without a source is one; so is a generated one whose source says skip-file. A file
    written by hand beside a source that says skip-file is welcome.
    """
    found: list[Path] = []
    for folder in FOLDERS:
        source_folder = root / folder
        for path in sorted(twin_path(root, source_folder).rglob("*.py")):
            source = source_folder / path.relative_to(twin_path(root, source_folder))
            by_hand = not path.read_text(encoding="utf-8").startswith(MARK)
            if path not in twins and not (source.exists() and by_hand):
                found.append(path)
    return found


def find_ruff() -> str:
    """Return the ruff that belongs to this Python, else the one on PATH."""
    beside = Path(sysconfig.get_path("scripts")) / "ruff"
    found = str(beside) if beside.exists() else which("ruff")
    if found is None:
        raise Failure("ruff is missing, and the twin is compared as ruff formats it")
    return found


def polish(root: Path, twins: dict[Path, str]) -> dict[Path, str]:
    """Return the twins with their imports in order and in the project's format."""
    if not twins:
        return {}
    ruff = find_ruff()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies = {folder / path.relative_to(root): path for path in twins}
        for copy, path in copies.items():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(twins[path], encoding="utf-8")
        files = [str(copy) for copy in copies]
        settings = ["--quiet", "--no-cache", "--config", str(root / "pyproject.toml")]
        _run([ruff, "check", *settings, "--fix-only", "--select", FIXES, *files], folder)
        _run([ruff, "format", *settings, *files], folder)
        return {path: copy.read_text(encoding="utf-8") for copy, path in copies.items()}


def _run(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Failure(f"{command[0]} {command[1]} failed:\n{done.stdout}{done.stderr}")


def drift(root: Path, twins: dict[Path, str]) -> list[str]:
    """Return one entry for each file of the tree that is not as generated."""
    found: list[str] = []
    for path, wanted in sorted(twins.items()):
        name = path.relative_to(root).as_posix()
        if not path.exists():
            found.append(f"missing  {name}")
            continue
        present = path.read_text(encoding="utf-8")
        if present != wanted:
            delta = difflib.unified_diff(
                present.splitlines(keepends=True), wanted.splitlines(keepends=True), n=0
            )
            lines = [line.rstrip("\n") for line in delta][2:10]
            found.append("\n           ".join([f"differs  {name}", *lines]))
    found += [f"extra    {path.relative_to(root).as_posix()}" for path in extras(root, twins)]
    return found


def write(root: Path, twins: dict[Path, str]) -> list[str]:
    """Bring the tree up to date and return one entry for each file that changed.

    A generated file without a source is removed. One without the header was written by somebody:
    it stays, and is an error.
    """
    done: list[str] = []
    for path, wanted in sorted(twins.items()):
        present = path.read_text(encoding="utf-8") if path.exists() else None
        if present == wanted:
            continue
        if present is not None and present.strip() and not present.startswith(MARK):
            raise Failure(
                f"{path.relative_to(root)} was written by hand; move it away, or mark its source "
                "with `# sync: skip-file`"
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted, encoding="utf-8")
        done.append(f"wrote    {path.relative_to(root).as_posix()}")
    for path in extras(root, twins):
        name = path.relative_to(root).as_posix()
        if not path.read_text(encoding="utf-8").startswith(MARK):
            raise Failure(f"{name} has no source and was written by hand; move it away")
        path.unlink()
        done.append(f"removed  {name}")
    return done


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0 when all is well, 1 on drift or failure."""
    parser = argparse.ArgumentParser(
        prog="scripts/unasync", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--check", action="store_true", help="change nothing, fail on drift")
    parser.add_argument("--root", type=Path, default=ROOT, help="the project (default: this one)")
    options = parser.parse_args(arguments)
    root: Path = options.root.resolve()
    try:
        twins = polish(root, generate(root))
        entries = drift(root, twins) if options.check else write(root, twins)
    except Failure as failure:
        print(f"scripts/unasync: {failure}", file=sys.stderr)
        return 1
    for entry in entries:
        print(entry)
    if options.check and entries:
        print("run scripts/unasync and look at what changed", file=sys.stderr)
    return 1 if options.check and entries else 0


if __name__ == "__main__":
    sys.exit(main())
