-- Times are microseconds since 1970 UTC. A value begins with one byte that tells its form: j is JSON text.
-- Names in braces are filled in by the driver, quoted, with the schema and the prefix of the store.

create table if not exists {entity} (
    eid         bigint generated always as identity primary key,
    ns          text   collate "C" not null,
    kind        text   collate "C" not null,
    id          text   collate "C" not null,
    created     bigint not null,
    updated     bigint not null,
    listed      bigint not null,  -- place in listings, moved at most once a minute
    prior       bigint not null,  -- the place before that
    mover       xid8   not null,  -- the transaction that moved it here
    revision    bigint not null,
    epoch       text   not null,
    win         bigint,           -- sliding window of the entity's lease
    expires     bigint,           -- its end
    due         bigint,           -- lower bound of every end in the entity
    labels      jsonb,            -- null for none
    fields      bigint not null,
    field_bytes bigint not null,
    items       bigint not null,
    item_bytes  bigint not null,
    unique (ns, kind, id)
) with (fillfactor = 80);
-- Not (ns, kind, listed): without statistics the server would as soon look an entity up by it as by its address,
-- and read all of the kind. No index can be taken for another here.
create unique index if not exists {entity_listed_idx} on {entity} ((kind || ' ' || ns), listed);
create index if not exists {entity_due_idx} on {entity} (due) where due is not null;

create table if not exists {field} (
    eid     bigint not null,
    map     text   collate "C" not null,
    name    text   collate "C" not null,
    value   bytea  not null,
    rev     bigint not null,
    win     bigint,
    expires bigint,               -- in no index: a renewal must stay cheap
    refs    text[],               -- names of linked fields, null for none
    primary key (eid, map, name)
) with (fillfactor = 90);

create table if not exists {log} (
    eid   bigint not null,
    name  text   collate "C" not null,
    head  bigint not null,
    count bigint not null,
    bytes bigint not null,
    primary key (eid, name)
) with (fillfactor = 80);

create table if not exists {item} (
    eid   bigint not null,
    log   text   collate "C" not null,
    seq   bigint not null,
    at    bigint not null,
    id    text   collate "C",
    refs  text[],
    value bytea  not null,
    primary key (eid, log, seq)
);
-- The expressions keep the server from looking for an id in all of the log, by the primary key.
create unique index if not exists {item_id_idx} on {item} ((eid + 0), (log || ''), id) where id is not null;

create table if not exists {label} (
    ns     text   collate "C" not null,
    kind   text   collate "C" not null,
    name   text   collate "C" not null,
    value  text   collate "C" not null,
    listed bigint not null,
    eid    bigint not null,
    primary key (ns, kind, name, value, listed, eid)
);

create table if not exists {tombstone} (
    ns    text   collate "C" not null,
    kind  text   collate "C" not null,
    id    text   collate "C" not null,
    epoch text   not null,
    until bigint not null,
    primary key (ns, kind, id, epoch)
);
create index if not exists {tombstone_until_idx} on {tombstone} (until);

create table if not exists {watch} (
    key   text   collate "C" primary key,  -- md5 of the entity's address
    until bigint not null
);
