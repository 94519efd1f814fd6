# Generated from src/threadkeep/_async/drivers/redis/__init__.py by scripts/unasync. Do not edit.
"""The driver for Valkey and Redis."""
