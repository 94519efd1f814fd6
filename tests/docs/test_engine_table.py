"""The README's table of engines: each URL in it opens, none is left out, and what survives is what the engine says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from threadkeep import Limits, Store
from threadkeep._sync import urls

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| (`\w+://.*?) \| (.+?) \| (.+?) \|$", README, re.MULTILINE)
ALSO = {"postgres", "redis+unix", "valkey+unix", "document"}  # said on the engines' own pages
SURVIVES = {
    "memory://": "none",
    "sqlite:///{}/a.db": "power-loss",
    "sqlite:///{}/a.db?durability=normal": "process",
    "sqlite://": "none",
}


def _schemes() -> set[str]:
    found: set[str] = set()
    for cell, *_ in ROWS:
        plain = set(re.findall(r"(\w+)://", cell))
        found |= plain | {name + more for name in plain for more in re.findall(r"`(\+\w+)`", cell)}
    return found


def test_the_table_names_every_scheme():
    assert len(ROWS) == 7
    assert _schemes() == set(urls._MAKERS) - ALSO


@pytest.mark.parametrize("scheme", sorted(_schemes() - {"memory", "sqlite"}))
def test_each_scheme_leads_to_an_engine(scheme: str):
    named = scheme in {"postgresql", "mysql", "mariadb"} or scheme.endswith("sentinel")
    rest = "host/name" if named else "host"
    urls.open_engine(f"{scheme}://{rest}", lambda: 0, Limits()).close()


@pytest.mark.parametrize("url", SURVIVES)
def test_what_survives(url: str, tmp_path: Path):
    with Store(url.format(tmp_path)) as store:
        assert store.capabilities().durability == SURVIVES[url]
