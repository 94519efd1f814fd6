"""The fixture of conformance tests with a server of another kind behind the server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.hosting import Hosted
from tests.http.remote import AsyncClocked, Place


@pytest.fixture(params=["in_valkey", "in_postgres"])
def make_engine(request: pytest.FixtureRequest, hosted: Hosted) -> Iterator[object]:
    place = Place(hosted, request.getfixturevalue(request.param))
    yield place.make(AsyncClocked)
    place.close()
