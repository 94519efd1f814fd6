# Generated from src/threadkeep/_async/drivers/postgres/__init__.py by scripts/unasync. Do not edit.
"""The driver for PostgreSQL."""
