"""The same for the engine without await, changed as the page says; long, for the other half says most of it."""

from __future__ import annotations

import pytest

from tests.docs.engine_page import kit, module

pytestmark = pytest.mark.long

module()
source = kit().replace("threadkeep.testing.aio", "threadkeep.testing.suite")
exec(
    compile(
        source.replace("AsyncFolderEngine", "FolderEngine"), __file__, "exec", dont_inherit=True
    )
)
