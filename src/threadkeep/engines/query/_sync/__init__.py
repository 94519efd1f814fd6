# Generated from src/threadkeep/engines/query/_async/__init__.py by scripts/unasync. Do not edit.
"""What is written once for tasks and for threads: documents in a table."""
