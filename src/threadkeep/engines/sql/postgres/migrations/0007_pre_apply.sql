-- A batch: the twin of threadkeep.engines.apply.

create or replace function {holds}(e {entity}, guard jsonb, b jsonb, p_now bigint, claimed boolean) returns boolean
language plpgsql stable as $$
declare
    kind text := guard->>'type';
    found_ bigint;
begin
    if kind = 'epoch' then
        if e.eid is not null then
            return e.epoch = guard->>'epoch';
        end if;
        return not exists (
            select 1 from {tombstone} t
            where t.ns = b->'ref'->>'namespace' and t.kind = b->'ref'->>'kind' and t.id = b->'ref'->>'id'
              and t.epoch = guard->>'epoch' and t.until > p_now);
    elsif kind = 'claimed' then
        return claimed;
    elsif kind = 'revision' then
        if guard->>'revision' = '0' and e.eid is not null then
            return {info}(e, p_now)->>'type' = 'nothing';
        end if;
        return coalesce(e.revision, 0) = (guard->>'revision')::bigint;
    elsif kind = 'head' then
        select t.head into found_ from {log} t where t.eid = e.eid and t.name = guard->>'log';
        return coalesce(found_, 0) = (guard->>'seq')::bigint;
    end if;
    select f.rev into found_ from {field} f
    where f.eid = e.eid and f.map = guard->>'map' and f.name = guard->>'field'
      and (f.expires is null or f.expires > p_now);
    return case when kind = 'missing' then found_ is null else coalesce(found_ = (guard->>'revision')::bigint, false) end;
end $$;

-- Answer for an entity that has expired: for all but its claimant nothing stands there. That it was seen so
-- is noted as a claim would: a clock that goes back does not bring it back.
create or replace function {over}(e {entity}, b jsonb, p_now bigint, writes boolean) returns json language plpgsql as $$
declare
    guard jsonb;
begin
    if e.due is null or e.due <= e.expires then
        update {entity} t set due = e.expires + 1 where t.eid = e.eid;
    end if;
    for n in 0 .. coalesce(jsonb_array_length(b->'guards'), 0) - 1 loop
        guard := b->'guards'->n;
        if guard->>'type' = 'claimed' or not (writes or {holds}(null, guard, b, p_now, false)) then
            return {reply}(null, false, array(select {empty}(op, p_now) from jsonb_array_elements(b->'otherwise') op), n, true);
        end if;
    end loop;
    return {reply}(null, not writes, array(
        select {empty}(op, p_now) from jsonb_array_elements(case when writes then b->'otherwise' else b->'ops' end) op
    ), expired => true);
end $$;

-- Write the renewals that were called for, and the entity's own.
create or replace function {settle}(e {entity}, stale jsonb, renews boolean, p_now bigint) returns void language plpgsql as $$
begin
    if stale <> '[]' then
        perform {renew_fields}(e.eid, stale, p_now);
    end if;
    if {renewed}(e.win, e.expires, p_now) is not null and renews then
        update {entity} t set expires = p_now + t.win where t.eid = e.eid;
    end if;
end $$;

-- What `once` remembers: results and values, for 10 minutes.
create or replace function {remember}(e {entity}, id text, results json[], vals bytea[], p_now bigint) returns bigint
language plpgsql as $$
declare
    fin bigint := p_now + 600000000;
    kept bytea := convert_to(json_build_object(
        'results', results, 'values', array(select encode(x, 'base64') from unnest(vals) x))::text, 'UTF8');
begin
    insert into {field} as f (eid, map, name, value, rev, expires)
    values (e.eid, '#once', id, kept, e.revision, fin)
    on conflict (eid, map, name) do update
    set value = excluded.value, rev = excluded.rev, expires = excluded.expires;
    return least(e.due, fin);
end $$;

-- The row of a new entity; null where somebody else was quicker.
create or replace function {create_entity}(b jsonb, p_now bigint) returns {entity} language plpgsql as $$
declare
    e {entity};
    mark text := replace(gen_random_uuid()::text, '-', '');
begin
    insert into {entity} as t (ns, kind, id, created, updated, listed, prior, mover, revision, epoch, fields,
                               field_bytes, items, item_bytes)
    values (b->'ref'->>'namespace', b->'ref'->>'kind', b->'ref'->>'id', p_now, p_now,
            {next_listed}(b->'ref'->>'namespace', b->'ref'->>'kind', p_now), 0, pg_current_xact_id(), 0,
            left(mark, 4) || right(mark, 12), 0, 0, 0, 0)
    on conflict (ns, kind, id) do nothing
    returning * into e;
    return e;
end $$;
