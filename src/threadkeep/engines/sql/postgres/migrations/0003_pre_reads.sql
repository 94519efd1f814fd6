-- Reads of one entity. They write nothing and say what is to be renewed.

-- Fields of a map: the named ones in that order, or those with a prefix (null: all) by name.
create or replace function {pick}(p_eid bigint, p_map text, p_names jsonb, p_prefix text)
returns table (ord bigint, name text, value bytea, rev bigint, win bigint, expires bigint, refs text[])
language sql stable as $$
    select n.ord, f.name, f.value, f.rev, f.win, f.expires, f.refs
    from jsonb_array_elements_text(p_names) with ordinality n (name, ord)
    cross join lateral (
        select * from {field} t where t.eid = p_eid and t.map = p_map and t.name = n.name limit 1
    ) f
    union all
    select 0, f.name, f.value, f.rev, f.win, f.expires, f.refs
    from {field} f
    where p_names is null and f.eid = p_eid and f.map = p_map and f.name >= coalesce(p_prefix, '')
      and f.name < coalesce({above}(p_prefix), repeat(chr(1114111), 129))
$$;

-- The living fields among these as JSON: by name, their values at `base` and after, and to what they link.
create or replace function {show}(p_eid bigint, p_map text, p_names jsonb, p_prefix text, p_now bigint, base int,
                       with_values boolean, renew boolean,
                       out shown json, out vals bytea[], out links jsonb, out stale jsonb)
language plpgsql stable as $$
begin
    select json_object_agg(f.name, json_build_object(
               'value', base + f.n - 1, 'revision', f.rev, 'window', f.win, 'end', f.expires,
               'refs', coalesce(f.refs, array[]::text[]), 'size', octet_length(f.value)) order by f.n),
           array_agg(case when with_values then f.value else '' end order by f.n),
           jsonb_agg(f.refs) filter (where f.refs is not null),
           jsonb_agg(f.name) filter (where renew and {renewed}(f.win, f.expires, p_now) is not null)
    into shown, vals, links, stale
    from (
        select p.*, row_number() over (order by p.ord, p.name collate "C") as n
        from {pick}(p_eid, p_map, p_names, p_prefix) p
        where p.expires is null or p.expires > p_now
    ) f;
    shown := coalesce(shown, json_build_object());
    vals := coalesce(vals, array[]::bytea[]);
    stale := case when stale is not null then jsonb_build_array(jsonb_build_array(p_map, stale)) else '[]' end;
    if links is not null then
        select jsonb_agg(distinct name) into links
        from jsonb_array_elements(links) l, jsonb_array_elements_text(l) name;
    end if;
end $$;

-- Items of a log in order of their numbers.
create or replace function {walk}(p_eid bigint, p_log text, p_ids jsonb, p_after bigint, p_before bigint,
                       p_limit bigint, p_newest boolean)
returns setof {item} language sql stable as $$
    (select * from {item} i
     where p_ids is null and not p_newest and i.eid = p_eid and i.log = p_log
       and i.seq > p_after and i.seq < p_before
     order by i.seq limit p_limit)
    union all
    (select * from {item} i
     where p_ids is null and p_newest and i.eid = p_eid and i.log = p_log
       and i.seq > p_after and i.seq < p_before
     order by i.seq desc limit p_limit)
    union all
    select i.* from (select distinct d from jsonb_array_elements_text(p_ids) d) n
    cross join lateral (
        select * from {item} t where t.eid + 0 = p_eid and t.log || '' = p_log and t.id = n.d limit 1
    ) i
$$;

create or replace function {read_log}(p_eid bigint, op jsonb, p_now bigint, base int,
                           out result json, out vals bytea[], out stale jsonb)
language plpgsql stable as $$
#variable_conflict use_variable
declare
    l {log};
    with_values boolean := coalesce((op->>'values')::boolean, true);
    links jsonb;
    items json;
    linked json;
begin
    vals := array[]::bytea[];
    stale := '[]';
    select * into l from {log} t where t.eid = p_eid and t.name = op->>'log';
    if l.eid is null then
        result := json_build_object('type', 'items');
        return;
    end if;
    if op ? 'ids' or (l.count > 0 and op->>'limit' is distinct from '0') then
        select json_agg(json_build_object(
                   'seq', i.seq, 'value', base + i.n - 1, 'id', i.id, 'refs', coalesce(i.refs, array[]::text[]),
                   'at', i.at, 'size', case when with_values then 0 else octet_length(i.value) end) order by i.n),
               array_agg(case when with_values then i.value else '' end order by i.n),
               jsonb_agg(i.refs) filter (where i.refs is not null)
        into items, vals, links
        from (
            select w.*, row_number() over (order by w.seq) as n
            from {walk}(p_eid, l.name, op->'ids', coalesce((op->>'after')::bigint, 0),
                        coalesce((op->>'before')::bigint, 9223372036854775807), (op->>'limit')::bigint,
                        coalesce((op->>'newest')::boolean, false)) w
        ) i;
        vals := coalesce(vals, array[]::bytea[]);
    end if;
    if op ? 'refs' and links is not null then
        select jsonb_agg(distinct name) into links
        from jsonb_array_elements(links) k, jsonb_array_elements_text(k) name;
        select s.shown, vals || s.vals, s.stale into linked, vals, stale
        from {show}(p_eid, op->>'refs', links, null, p_now, base + cardinality(vals), true, true) s;
    end if;
    result := json_build_object(
        'type', 'items', 'items', coalesce(items, '[]'), 'head', l.head, 'count', l.count,
        'bytes', l.bytes, 'linked', coalesce(linked, json_build_object()));
end $$;

create or replace function {read_map}(p_eid bigint, op jsonb, p_now bigint, base int,
                           out result json, out vals bytea[], out stale jsonb)
language plpgsql stable as $$
#variable_conflict use_variable
declare
    renew boolean := coalesce((op->>'renew')::boolean, true);
    shown json;
    links jsonb;
    linked json;
begin
    select s.shown, s.vals, s.links, s.stale into shown, vals, links, stale
    from {show}(p_eid, op->>'map', op->'fields', op->>'prefix', p_now, base,
                coalesce((op->>'values')::boolean, true), renew) s;
    if op ? 'refs' and links is not null then
        select s.shown, vals || s.vals, stale || s.stale into linked, vals, stale
        from {show}(p_eid, op->>'refs', links, null, p_now, base + cardinality(vals), true, renew) s;
    end if;
    result := json_build_object('type', 'fields', 'fields', shown, 'linked', coalesce(linked, json_build_object()));
end $$;

-- The public form of the row. What has run out in it stands in its counts still.
create or replace function {record}(e {entity}, p_now bigint, maps text[], logs text[]) returns json
language plpgsql stable as $$
declare
    dead bigint := 0;
    weight bigint := 0;
begin
    if e.due <= p_now or e.due > e.expires then
        select count(*), coalesce(sum(octet_length(f.value)), 0) into dead, weight
        from {field} f where f.eid = e.eid and f.expires <= p_now and f.map not like '#%';
    end if;
    return json_build_object(
        'created', e.created, 'updated', e.updated, 'revision', e.revision, 'epoch', e.epoch,
        'window', e.win, 'end', e.expires, 'labels', coalesce(e.labels, jsonb_build_object()),
        'fields', e.fields - dead, 'items', e.items, 'bytes', e.field_bytes + e.item_bytes - weight,
        'logs', coalesce(logs, array[]::text[]), 'maps', coalesce(maps, array[]::text[]), 'type', 'info');
end $$;

-- The entity's own record; nothing where it holds nothing.
create or replace function {info}(e {entity}, p_now bigint) returns json language plpgsql stable as $$
declare
    maps text[] := array(select distinct f.map from {field} f
                         where f.eid = e.eid and f.map not like '#%' order by f.map);
    logs text[] := array(select l.name from {log} l where l.eid = e.eid order by l.name);
begin
    if maps = '{{}}' and logs = '{{}}' and e.labels is null and e.expires is null then
        return json_build_object('type', 'nothing');
    end if;
    return {record}(e, p_now, maps, logs);
end $$;

-- What a read finds where nothing stands.
create or replace function {empty}(op jsonb, p_now bigint) returns json language sql stable as $$
    select case op->>'type'
        when 'get' then json_build_object('type', 'fields', 'fields', json_build_object())
        when 'read' then json_build_object('type', 'items')
        when 'now' then json_build_object('type', 'moment', 'at', p_now)
        else json_build_object('type', 'nothing') end
$$;

-- Answer the reads among `ops`, each at its place; null stands where a write is.
create or replace function {answer}(e {entity}, ops jsonb, p_now bigint, out results json[], out vals bytea[], out stale jsonb)
language plpgsql stable as $$
declare
    op jsonb;
    part record;
begin
    results := array[]::json[];
    vals := array[]::bytea[];
    stale := '[]';
    for n in 0 .. coalesce(jsonb_array_length(ops), 0) - 1 loop
        op := ops->n;
        if op->>'type' not in ('get', 'read', 'info', 'now') then
            results := results || null::json;
        elsif e.eid is null then
            results := results || {empty}(op, p_now);
        elsif op->>'type' = 'info' then
            results := results || {info}(e, p_now);
        elsif op->>'type' = 'now' then
            results := results || {empty}(op, p_now);
        else
            if op->>'type' = 'get' then
                part := {read_map}(e.eid, op, p_now, cardinality(vals));
            else
                part := {read_log}(e.eid, op, p_now, cardinality(vals));
            end if;
            results := results || part.result;
            vals := vals || part.vals;
            stale := stale || part.stale;
        end if;
    end loop;
end $$;

-- A reply; `e` null: nothing stands.
create or replace function {reply}(e {entity}, ok boolean, results json[], failed int default null,
                        expired boolean default false, changed boolean default false)
returns json language sql stable as $$
    select json_build_object(
        'ok', ok, 'results', results, 'revision', coalesce(e.revision, 0), 'epoch', coalesce(e.epoch, ''),
        'failed', failed, 'expired', expired, 'changed', changed)
$$;

-- A batch of reads. `reply` is null when it must be run by {apply}: something is to be renewed or reclaimed.
create or replace function {read}(b jsonb, clock bigint, out reply json, out vals bytea[])
language plpgsql stable as $$
declare
    e {entity};
    found_ record;
    now bigint := coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
begin
    select * into e from {entity} t
    where t.ns = b->'ref'->>'namespace' and t.kind = b->'ref'->>'kind' and t.id = b->'ref'->>'id';
    now := greatest(now, e.updated);
    vals := array[]::bytea[];
    if e.due <= now or ((b->>'renews')::boolean and {renewed}(e.win, e.expires, now) is not null) then
        return;
    end if;
    if e.expires <= now or e.due > e.expires then
        reply := {reply}(null, true, array(select {empty}(op, now) from jsonb_array_elements(b->'ops') op), expired => true);
        return;
    end if;
    found_ := {answer}(e, b->'ops', now);
    if found_.stale = '[]' then
        reply := {reply}(e, true, found_.results);
        vals := found_.vals;
    end if;
end $$;

-- Run a group of batches of reads on one snapshot.
create or replace function {read_all}(batches jsonb[], clock bigint) returns table (reply text, vals bytea[])
language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    r record;
begin
    for n in 1 .. cardinality(batches) loop
        r := {read}(batches[n], clock);
        reply := r.reply;
        vals := r.vals;
        return next;
    end loop;
end $$;

-- One field of each of several entities, in their order: [namespace, kind, id, map, name, renew]. `stale`: {apply} must see to it.
create or replace function {get_all}(asked jsonb, clock bigint)
returns table (revision bigint, epoch text, value bytea, rev bigint, win bigint, expires bigint, refs text[],
               stale boolean)
language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    moment constant bigint := coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
begin
    return query
    select e.revision, e.epoch, f.value, f.rev, f.win, f.expires, f.refs,
           coalesce(e.due <= greatest(moment, e.updated) or e.expires <= greatest(moment, e.updated)
                    or e.due > e.expires, false)
           or ((n.a->>5)::boolean and (coalesce({renewed}(e.win, e.expires, greatest(moment, e.updated)),
                                     {renewed}(f.win, f.expires, greatest(moment, e.updated))) is not null))
    from jsonb_array_elements(asked) with ordinality n (a, ord)
    left join lateral (
        select * from {entity} t where t.ns = n.a->>0 and t.kind = n.a->>1 and t.id = n.a->>2 limit 1
    ) e on true
    left join lateral (
        select * from {field} t
        where t.eid = e.eid and t.map = n.a->>3 and t.name = n.a->>4
          and (t.expires is null or t.expires > greatest(moment, e.updated))
        limit 1
    ) f on true
    order by n.ord;
end $$;
