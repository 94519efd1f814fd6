"""Look for what must not be committed: vague file names, secrets, and traces of one machine.

A line that has to hold such a thing (a test of this check, say) ends with `hygiene: allow` in a
comment.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ALLOW = "hygiene: allow"
VAGUE = {"common", "helper", "helpers", "misc", "util", "utils"}
SKIPPED = {".git", ".hypothesis", ".venv", "__pycache__", "build", "dist"}
RULES = {
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a cloud access key": r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    "an API token": (
        r"\b(?:sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{36}|xox[abprs]-[A-Za-z0-9-]{10,})"
    ),
    "a path of one machine": r"(?<![\w.$}/-])/(?:home|Users|root|work)/\w|/tmp/[\w.-]+/bin/",
    "the address of a package registry": (
        r"https?://[\w.-]*(?:crates|debian|npmjs|pypi|pythonhosted|rubygems|yarnpkg)[\w-]*\.\w"
    ),
    "a setting that names a package registry": r"(?:extra-)?index-url\s*[=\s]\s*\S|--find[-]links",
}
PATTERNS = {what: re.compile(pattern) for what, pattern in RULES.items()}


def files(root: Path) -> list[Path]:
    """Return the files of the project: those git knows or would add; without git, all of them."""
    listing = [
        "git",
        "-C",
        str(root),
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]
    try:
        done = subprocess.run(listing, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        found = (path.relative_to(root) for path in root.rglob("*"))
        names = [path for path in found if not _is_skipped(path)]
    else:
        names = [Path(name) for name in done.stdout.decode().split("\0") if name]
    return sorted(root / name for name in names if (root / name).is_file())


def _is_skipped(path: Path) -> bool:
    return bool(SKIPPED & set(path.parts)) or path.parts[0].startswith(".venv")


def name_problems(name: Path) -> Iterator[str]:
    """Yield a sentence for each part of a path that says nothing about what is inside."""
    for part in name.parts:
        if part.partition(".")[0].strip("_") in VAGUE:
            yield f"{name.as_posix()}: `{part}` says nothing; name the concept"


def text_problems(name: Path, text: str) -> Iterator[str]:
    """Yield a sentence for each line that must not be committed. It does not repeat the secret."""
    for number, line in enumerate(text.split("\n"), 1):
        if ALLOW in line:
            continue
        for what, pattern in PATTERNS.items():
            if pattern.search(line):
                yield f"{name.as_posix()}:{number}: {what}"


def problems(root: Path) -> Iterator[str]:
    """Yield one sentence for each finding in the project."""
    for path in files(root):
        name = path.relative_to(root)
        yield from name_problems(name)
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary: nothing to read
        yield from text_problems(name, text)


def main() -> int:
    """Print what is wrong; return 1 when something is."""
    wrong = list(problems(ROOT))
    print("\n".join(wrong), end="\n" if wrong else "")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
