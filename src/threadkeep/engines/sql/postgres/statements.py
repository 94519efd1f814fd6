"""The calls of the functions in the server, as the driver sends them."""

from __future__ import annotations

from typing import Final, LiteralString

from threadkeep.engines.sql.postgres.names import Names

_TEXTS: Final[dict[str, LiteralString]] = {
    "read": "select reply, vals from {read_all}(%b::text[]::jsonb[], %b::int8)",
    "get": (
        "select revision, epoch, value, rev, win, expires, refs, stale"
        " from {get_all}(%b::text::jsonb, %b::int8)"
    ),
    "maps": (
        "select revision, epoch, names, vals, revs, wins, ends, links, stale"
        " from {get_maps}(%b::text::jsonb, %b::int8)"
    ),
    "items": (
        "select revision, epoch, head, count, bytes, seqs, vals, ids, moments, links, stale"
        " from {get_items}(%b::text::jsonb, %b::int8)"
    ),
    "apply": (
        "select reply, vals from"
        " {apply_group}(%b::text::jsonb, %b::bytea[], %b::int4, %b::int4, %b::int8)"
    ),
    "newest": "select moved, here, top, snap from {newest}(%b::text::jsonb, %b::int8)",
    "by_id": "select here from {by_id}(%b::text::jsonb, %b::int8)",
    "claim": (
        "select claims::text, finished from"
        " {claim}(%b::text, %b::int4, %b::int8, %b::int8, %b::text::jsonb, %b::int8)"
    ),
    "spaces": (  # from one to the next by the index, however many entities there are
        "with recursive space(ns, kind) as ("
        "(select ns, kind from {entity} order by ns, kind limit 1)"
        " union all select next.ns, next.kind from space cross join lateral ("
        "select e.ns, e.kind from {entity} e where (e.ns, e.kind) > (space.ns, space.kind)"
        " order by e.ns, e.kind limit 1) next"
        ") select ns, kind from space"
    ),
    "watch": "select {watch_all}(%b::text[])",
    "listen": "listen {channel_name}",
    "unlisten": "unlisten {channel_name}",
    "snapshot": (
        "select pg_snapshot_xmin(s)::text::int8, pg_snapshot_xmax(s)::text::int8"
        " from pg_current_snapshot() s"
    ),
    "poll": (
        "select r.ns, r.kind, r.id, e.revision, e.epoch"
        " from unnest(%b::text[], %b::text[], %b::text[]) r (ns, kind, id)"
        " left join {entity} e using (ns, kind, id)"
    ),
}


class Statements:
    """Each statement with the names of one store filled in."""

    def __init__(self, names: Names) -> None:
        found = {
            name: names.compose(text).as_string(None).encode() for name, text in _TEXTS.items()
        }
        self.short = {name: found[name] for name in ("get", "maps", "items")}
        self.read, self.apply = found["read"], found["apply"]
        self.newest, self.by_id, self.claim = found["newest"], found["by_id"], found["claim"]
        self.watch, self.listen, self.poll = found["watch"], found["listen"], found["poll"]
        self.snapshot, self.unlisten = found["snapshot"], found["unlisten"]
        self.spaces = found["spaces"]
