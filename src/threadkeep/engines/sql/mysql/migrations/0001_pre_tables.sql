-- Times are microseconds since 1970 UTC. Names are bytes of UTF-8: no collation, no padding. A value begins
-- with one byte that tells its form: j is JSON text. Each statement may be run again.

create table if not exists tk_entity (
    eid         bigint unsigned not null,
    ns          varbinary(512)  not null,
    kind        varbinary(32)   not null,
    id          varbinary(512)  not null,
    created     bigint          not null,
    updated     bigint          not null,
    listed      bigint          not null comment 'place in listings, moved at most once a minute',
    prior       bigint          not null comment 'the place before that',
    revision    bigint          not null,
    epoch       varbinary(64)   not null,
    win         bigint                   comment 'sliding window of the lease',
    expires     bigint                   comment 'end of the lease',
    due         bigint                   comment 'lower bound of every end in the entity',
    labels      mediumblob               comment 'JSON object, null for none',
    maps        mediumblob               comment 'JSON object: fields of each map',
    logs        mediumblob               comment 'JSON object: head, count and bytes of each log',
    fields      bigint          not null,
    field_bytes bigint          not null,
    items       bigint          not null,
    item_bytes  bigint          not null,
    primary key (eid),
    unique key tk_entity_ref (ns, kind, id),
    unique key tk_entity_listed (ns, kind, listed),
    key tk_entity_due (due)
) engine = InnoDB row_format = dynamic default charset = utf8mb4;

create table if not exists tk_field (
    eid     bigint unsigned not null,
    map     varbinary(128)  not null,
    name    varbinary(512)  not null,
    size    bigint          not null comment 'bytes of the value',
    rev     bigint          not null,
    win     bigint,
    expires bigint                   comment 'not indexed: a renewal must stay cheap',
    refs    mediumblob               comment 'JSON array of linked field names, null for none',
    value   longblob        not null,
    primary key (eid, map, name)
) engine = InnoDB row_format = dynamic default charset = utf8mb4;

create table if not exists tk_item (
    eid   bigint unsigned not null,
    log   varbinary(128)  not null,
    seq   bigint          not null,
    at    bigint          not null,
    id    varbinary(1024),
    refs  mediumblob,
    size  bigint          not null comment 'bytes of the value',
    value longblob        not null,
    primary key (eid, log, seq),
    unique key tk_item_id (eid, log, id)
) engine = InnoDB row_format = dynamic default charset = utf8mb4;

create table if not exists tk_label (
    ns     varbinary(512)  not null,
    kind   varbinary(32)   not null,
    name   varbinary(128)  not null,
    value  varbinary(512)  not null,
    listed bigint          not null,
    eid    bigint unsigned not null,
    primary key (ns, kind, name, value, listed, eid)
) engine = InnoDB row_format = dynamic default charset = utf8mb4;

create table if not exists tk_tombstone (
    ns    varbinary(512) not null,
    kind  varbinary(32)  not null,
    id    varbinary(512) not null,
    epoch varbinary(64)  not null,
    until bigint         not null,
    primary key (ns, kind, id, epoch),
    key tk_tombstone_until (until)
) engine = InnoDB row_format = dynamic default charset = utf8mb4;
