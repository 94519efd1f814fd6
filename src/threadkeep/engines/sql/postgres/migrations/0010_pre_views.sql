-- For people: values as text and as JSON, times as times.

-- Microseconds as a time; null for none or one that no timestamp can hold.
create or replace function {moment}(at bigint) returns timestamptz language sql immutable as $$
    select case when at between -62135596800000000 and 253402300799999999
           then to_timestamp(at / 1000000) + (at % 1000000) * interval '1 microsecond' end
$$;

-- A value that is text behind its first byte; null for others.
create or replace function {text}(value bytea) returns text language plpgsql immutable as $$
begin
    return case when substr(value, 1, 1) in ('j', 't', 's', 'u') then convert_from(substr(value, 2), 'UTF8') end;
exception when others then
    return null;
end $$;

-- A value that is JSON; null for others, and for the little JSON that the server cannot hold (\u0000).
create or replace function {json}(value bytea) returns jsonb language plpgsql immutable as $$
begin
    return case when substr(value, 1, 1) = 'j' then convert_from(substr(value, 2), 'UTF8')::jsonb end;
exception when others then
    return null;
end $$;

create or replace view {threads} as
select ns, id, {moment}(created) as created_at, {moment}(updated) as updated_at,
       {moment}(expires) as expires_at, revision, labels, fields, items
from {entity}
where kind = 'thread';

create or replace view {fields} as
select e.ns, e.kind, e.id, f.map, f.name, {json}(f.value) as json, {text}(f.value) as text, f.value,
       {moment}(f.expires) as expires_at, f.rev as revision
from {field} f join {entity} e using (eid);

create or replace view {items} as
select e.ns, e.kind, e.id, i.log, i.seq, i.id as item_id, {moment}(i.at) as at,
       {json}(i.value) as json, {text}(i.value) as text, i.value
from {item} i join {entity} e using (eid);
