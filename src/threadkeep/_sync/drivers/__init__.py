# Generated from src/threadkeep/_async/drivers/__init__.py by scripts/unasync. Do not edit.
"""Drivers: each connects an engine to its event loop or threads."""
