# Generated from src/threadkeep/engines/redis/links/_async/__init__.py by scripts/unasync. Do not edit.
"""What is written once for tasks and for threads: where the nodes are and what is sent again."""
