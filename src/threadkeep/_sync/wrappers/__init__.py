# Generated from src/threadkeep/_async/wrappers/__init__.py by scripts/unasync. Do not edit.
"""Wrappers: engines over an engine that change what `run` does and pass the rest on."""
