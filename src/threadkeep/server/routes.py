"""All routes of the server."""

from threadkeep.server.resources import (
    caches,
    documents,
    engine,
    kv,
    kv_spaces,
    messages,
    operation,
    parts,
    session,
    snapshots,
    state,
    threads,
    turns,
    values,
)

ROUTES = (
    *operation.ROUTES,
    *documents.ROUTES,
    *values.ROUTES,
    *session.ROUTES,
    *threads.ROUTES,
    *state.ROUTES,
    *messages.ROUTES,
    *snapshots.ROUTES,
    *turns.ROUTES,
    *parts.ROUTES,
    *kv.ROUTES,
    *kv_spaces.ROUTES,
    *caches.ROUTES,
    *engine.ROUTES,
)
