from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from tests.cli.contents import fill
from tests.copy.places import KINDS, Places
from tests.races import figures
from threadkeep import Store

say = figures.teller("copy")
pytest_terminal_summary = figures.summary("copy")


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Places]:
    places = Places(tmp_path_factory.mktemp("copies"))
    yield places
    places.close()


@pytest.fixture(scope="session")
def environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("THREADKEEP_")}
    return {**kept, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONWARNINGS": "error"}


@pytest.fixture(scope="session")
def filled(places: Places) -> dict[str, str]:
    """The URLs of equal stores, one of each kind, with something of everything."""
    urls = {kind: places.url(kind, "filled") for kind in KINDS}
    for url in urls.values():
        with Store(url) as store:
            fill(store, big=1_100)
    return urls
