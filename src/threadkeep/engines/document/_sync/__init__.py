# Generated from src/threadkeep/engines/document/_async/__init__.py by scripts/unasync. Do not edit.
"""What is written once for tasks and for threads: the engine over a program's driver."""
