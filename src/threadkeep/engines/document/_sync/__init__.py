# Generated from src/threadkeep/engines/document/_async/__init__.py by scripts/unasync. Do not edit.
