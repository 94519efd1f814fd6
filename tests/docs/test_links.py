"""Links between the project's pages lead somewhere: files exist, anchors are headings."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tooling.hygiene import files

ROOT = Path(__file__).parents[2]
PAGES = [path for path in files(ROOT) if path.suffix == ".md"]
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]*(?:\([^()]*\))?[^()\s]*)\)")


def prose(page: Path) -> str:
    """Return a page without its code."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return re.sub(r"`[^`\n]*`", lambda found: "x" * len(found[0]), text)


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found: set[str] = set()
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for heading in re.findall(r"^#{1,6} +(.*?) *#*$", text, re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number, name = 0, slug
        while name in found:
            number += 1
            name = f"{slug}-{number}"
        found.add(name)
    return frozenset(found)


def problems(page: Path, text: str) -> list[str]:
    """Return one sentence for each link of the text that leads nowhere."""
    wrong: list[str] = []
    for target in LINK.findall(text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists():
            wrong.append(f"{target}: there is no such file")
        elif ROOT not in file.parents:
            wrong.append(f"{target}: leads out of the project")
        elif anchor and anchor not in anchors(file):
            wrong.append(f"{target}: the page has no such heading")
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_links_lead_somewhere(page: Path):
    assert problems(page, prose(page)) == []


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("[a](README.md)", 0),
        ("[a](docs/concepts/design.md#time)", 0),
        ("[a](https://example.org/nowhere)", 0),
        ("[a](nowhere.md)", 1),
        ("[a](docs/concepts/design.md#nowhere)", 1),
        ("[a](#nowhere)", 1),
        ("[a](../elsewhere/)", 1),
        ("[a [b]](nowhere.md) and [c](docs/nowhere.md)", 2),
    ],
)
def test_a_link_that_leads_nowhere_is_found(text: str, count: int):
    assert len(problems(ROOT / "README.md", text)) == count


def test_every_page_of_the_docs_is_linked_from_another():
    linked = {
        (page.parent / target.partition("#")[0]).resolve()
        for page in PAGES
        for target in LINK.findall(prose(page))
        if target and not target.startswith("#")
    }
    pages = {path for path in PAGES if ROOT / "docs" in path.parents}
    assert pages <= linked, sorted(str(path) for path in pages - linked)
