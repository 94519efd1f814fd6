"""The store over HTTP: an ASGI application, hosted by `threadkeep serve` or by any ASGI server."""

from threadkeep.server.app import Application, app

__all__ = ["Application", "app"]
