"""Valkey and Redis: keys, programs and replies as pure functions; `links` does the I/O."""
