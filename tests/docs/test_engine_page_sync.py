"""The same for the engine without await, changed as the page says."""

from __future__ import annotations

from tests.docs.engine_page import kit, module

module()
source = kit().replace("threadkeep.testing.aio", "threadkeep.testing.suite")
exec(
    compile(
        source.replace("AsyncFolderEngine", "FolderEngine"), __file__, "exec", dont_inherit=True
    )
)
