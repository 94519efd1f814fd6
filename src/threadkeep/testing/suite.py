"""The conformance suite for an engine without await; `threadkeep.testing.aio` says how to use it."""

from threadkeep.testing._sync.suite import *  # noqa: F403 - all of it is handed on
