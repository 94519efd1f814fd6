"""The suite through a live server, without await."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.hosting import Hosted
from tests.http.remote import Clocked, Place, in_file, in_memory
from threadkeep.testing.suite import *  # noqa: F403 - the suite


@pytest.fixture(params=["sqlite", pytest.param("memory", marks=pytest.mark.long)])
def make_engine(request: pytest.FixtureRequest, hosted: Hosted, tmp_path: Path) -> Iterator[object]:
    place = Place(hosted, in_memory() if request.param == "memory" else in_file(tmp_path))
    yield place.make(Clocked)
    place.close()
