-- earlier form: dcf81513c5d5866087528b4dfb336d4e
-- Times are microseconds since 1970 UTC. A value begins with one byte that tells its form: j is JSON text.

create table if not exists tk_entity (
    eid         integer primary key,
    ns          text    not null,
    kind        text    not null,
    id          text    not null,
    created     integer not null,
    updated     integer not null,
    listed      integer not null,  -- place in listings, moved at most once a minute
    prior       integer not null,  -- the place before that
    revision    integer not null,
    epoch       text    not null,
    win         integer,           -- sliding window of the entity's lease
    expires     integer,           -- its end
    due         integer,           -- lower bound of every end in the entity
    labels      text,              -- JSON object, null for none
    fields      integer not null,
    field_bytes integer not null,
    items       integer not null,
    item_bytes  integer not null,
    unique (ns, kind, id)
);
create unique index if not exists tk_entity_listed on tk_entity (ns, kind, listed);
create index if not exists tk_entity_due on tk_entity (due) where due is not null;

create table if not exists tk_field (
    eid     integer not null,
    map     text    not null,
    name    text    not null,
    value   blob    not null,
    rev     integer not null,
    win     integer,
    expires integer,               -- not indexed: a renewal must stay cheap
    refs    text,                  -- JSON array of linked field names, null for none
    primary key (eid, map, name)
) without rowid;

create table if not exists tk_log (
    lid   integer primary key,
    eid   integer not null,
    name  text    not null,
    head  integer not null,
    count integer not null,
    bytes integer not null,
    unique (eid, name)
);

create table if not exists tk_item (
    pos   integer primary key,     -- lid << 32 | seq: a log's items lie together, in order
    at    integer not null,
    id    text,
    refs  text,
    value blob not null
);
create unique index if not exists tk_item_id on tk_item (pos >> 32, id) where id is not null;

create table if not exists tk_label (
    ns     text    not null,
    kind   text    not null,
    name   text    not null,
    value  text    not null,
    listed integer not null,
    eid    integer not null,
    primary key (ns, kind, name, value, listed, eid)
) without rowid;

create table if not exists tk_tombstone (
    ns    text    not null,
    kind  text    not null,
    id    text    not null,
    epoch text    not null,
    until integer not null,
    primary key (ns, kind, id, epoch)
) without rowid;
create index if not exists tk_tombstone_until on tk_tombstone (until);

create view if not exists tk_threads as
select ns, id,
       datetime(created / 1000000, 'unixepoch') as created_at,
       datetime(updated / 1000000, 'unixepoch') as updated_at,
       datetime(expires / 1000000, 'unixepoch') as expires_at,
       revision, labels, fields, items
from tk_entity
where kind = 'thread';

create view if not exists tk_fields as
select e.ns, e.kind, e.id, f.map, f.name,
       case when substr(f.value, 1, 1) in (x'6a', x'74', x'73', x'75')
            then cast(substr(f.value, 2) as text) else f.value end as value,
       datetime(f.expires / 1000000, 'unixepoch') as expires_at,
       f.rev as revision
from tk_field f join tk_entity e using (eid);

create view if not exists tk_items as
select e.ns, e.kind, e.id, l.name as log, i.pos & 4294967295 as seq, i.id as item_id,
       datetime(i.at / 1000000, 'unixepoch') as at,
       case when substr(i.value, 1, 1) in (x'6a', x'74', x'73', x'75')
            then cast(substr(i.value, 2) as text) else i.value end as value
from tk_log l
join tk_entity e using (eid)
join tk_item i on i.pos between (l.lid << 32) and (l.lid << 32 | 4294967295);
