"""Hold the version in pyproject.toml and the newest heading of the changelog together.

The first heading is `## [Unreleased]` while work goes on, or `## [VERSION] - YYYY-MM-DD` of the
version in pyproject.toml. Below Unreleased, no released version is newer than pyproject.toml.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
RELEASE = re.compile(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}")
VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")


def problem(version: str, changelog: str) -> str | None:
    """Return what is wrong, or None."""
    found = VERSION.fullmatch(version)
    if found is None:
        return f"pyproject.toml has the version {version!r}, which is not of the form 1.2.3"
    headings = HEADING.findall(changelog)
    if not headings:
        return "CHANGELOG.md has no `## ` heading"
    released = headings[1:] if headings[0] == "[Unreleased]" else headings
    numbers: list[tuple[int, ...]] = []
    for heading in released:
        release = RELEASE.fullmatch(heading)
        if release is None:
            return f"CHANGELOG.md has the heading {heading!r}, not `[1.2.3] - YYYY-MM-DD`"
        numbers.append(tuple(map(int, release.groups())))
    if numbers != sorted(set(numbers), reverse=True):
        return "CHANGELOG.md does not list the releases newest first, each once"
    now = tuple(map(int, found.groups()))
    if released is headings and numbers[0] != now:
        return f"CHANGELOG.md begins with {headings[0]}, pyproject.toml has {version}"
    if numbers and numbers[0] > now:
        return f"CHANGELOG.md has {released[0]}, which is newer than {version} in pyproject.toml"
    return None


def main() -> int:
    """Print what is wrong; return 1 when something is."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wrong = problem(project["version"], (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    if wrong:
        print(wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
