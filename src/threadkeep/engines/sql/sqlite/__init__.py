"""The SQLite engine: the reference semantics over single statements."""
