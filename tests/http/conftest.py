from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http.hosting import Hosted, hosting


@pytest.fixture(scope="session")
def hosted() -> Iterator[Hosted]:
    """A server in this process that all tests share; each mounts its own applications."""
    with hosting() as found:
        yield found
