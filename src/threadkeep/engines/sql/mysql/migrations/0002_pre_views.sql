-- What people look at: names as text, times as datetimes in UTC, values as text where they are.

create or replace view tk_threads as
select convert(ns using utf8mb4) as ns, convert(id using utf8mb4) as id,
       timestamp '1970-01-01 00:00:00' + interval created microsecond as created_at,
       timestamp '1970-01-01 00:00:00' + interval updated microsecond as updated_at,
       timestamp '1970-01-01 00:00:00' + interval expires microsecond as expires_at,
       revision, convert(labels using utf8mb4) as labels, fields, items
from tk_entity
where kind = 'thread';

create or replace view tk_fields as
select convert(e.ns using utf8mb4) as ns, convert(e.kind using utf8mb4) as kind,
       convert(e.id using utf8mb4) as id, convert(f.map using utf8mb4) as map,
       convert(f.name using utf8mb4) as name,
       case when left(f.value, 1) = 'j' then convert(substr(f.value, 2) using utf8mb4) end as json,
       case when left(f.value, 1) in ('j', 't', 's', 'u')
            then convert(substr(f.value, 2) using utf8mb4) end as text,
       f.value,
       timestamp '1970-01-01 00:00:00' + interval f.expires microsecond as expires_at,
       f.rev as revision
from tk_field f join tk_entity e on e.eid = f.eid;

create or replace view tk_items as
select convert(e.ns using utf8mb4) as ns, convert(e.kind using utf8mb4) as kind,
       convert(e.id using utf8mb4) as id, convert(i.log using utf8mb4) as log, i.seq,
       convert(i.id using utf8mb4) as item_id,
       timestamp '1970-01-01 00:00:00' + interval i.at microsecond as at,
       case when left(i.value, 1) = 'j' then convert(substr(i.value, 2) using utf8mb4) end as json,
       case when left(i.value, 1) in ('j', 't', 's', 'u')
            then convert(substr(i.value, 2) using utf8mb4) end as text,
       i.value
from tk_item i join tk_entity e on e.eid = i.eid;
