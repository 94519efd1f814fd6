# Generated from src/threadkeep/_async/drivers/mysql/__init__.py by scripts/unasync. Do not edit.
"""The driver for MySQL and MariaDB."""
