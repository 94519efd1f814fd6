"""The engine of docs/how-to/write-an-engine.md against the suite, with the fixture of the page."""

from __future__ import annotations

from tests.docs.engine_page import kit, module

module()
exec(compile(kit(), __file__, "exec", dont_inherit=True))
