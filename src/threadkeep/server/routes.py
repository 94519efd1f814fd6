"""All routes of the server."""

from threadkeep.server import engine, operation, values

ROUTES = (*operation.ROUTES, *values.ROUTES, *engine.ROUTES)
