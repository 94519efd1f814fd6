# Generated from src/threadkeep/_async/__init__.py by scripts/unasync. Do not edit.
"""The facades, drivers and wrappers for asyncio; `threadkeep._sync` is generated from here."""
