# Generated from src/threadkeep/_async/caches/__init__.py by scripts/unasync. Do not edit.
"""The caches of tool and model results."""
