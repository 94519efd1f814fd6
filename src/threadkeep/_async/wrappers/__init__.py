"""Wrappers: engines over an engine that change what `run` does and pass the rest on."""
