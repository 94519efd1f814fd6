"""The facades, drivers and wrappers for asyncio; `threadkeep._sync` is generated from here."""
