"""The suite through a live server, for asyncio."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.hosting import Hosted
from tests.http.remote import AsyncClocked, Place, in_file, in_memory
from threadkeep.testing.aio import *  # noqa: F403 - the suite


@pytest.fixture(params=["memory", pytest.param("sqlite", marks=pytest.mark.long)])
def make_engine(request: pytest.FixtureRequest, hosted: Hosted, tmp_path: Path) -> Iterator[object]:
    place = Place(hosted, in_memory() if request.param == "memory" else in_file(tmp_path))
    yield place.make(AsyncClocked)
    place.close()
