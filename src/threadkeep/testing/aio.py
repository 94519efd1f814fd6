"""The conformance suite for an engine for asyncio, for a test file of its own.

    import pytest
    from threadkeep.testing.aio import *

    @pytest.fixture
    def make_engine(tmp_path):
        return lambda now, limits: MyAsyncEngine(tmp_path / "my.db", now, limits)

`make_engine(now, limits)` returns a new engine, not yet set up. `now` is the clock to use where the
capability `clock` says that it can be injected. Called again in one test it opens the same place again
where the capability `processes` says so. Needs pytest and anyio.
"""

from threadkeep.testing._async.suite import *  # noqa: F403 - all of it is handed on
