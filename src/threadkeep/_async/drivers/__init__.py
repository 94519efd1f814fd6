"""Drivers: each connects an engine to its event loop or threads."""
