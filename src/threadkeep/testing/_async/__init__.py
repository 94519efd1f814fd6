"""The conformance suite for asyncio; `threadkeep.testing._sync` is generated from here."""
