# Generated from src/threadkeep/testing/_async/__init__.py by scripts/unasync. Do not edit.
"""The conformance suite for asyncio; `threadkeep.testing._sync` is generated from here."""
