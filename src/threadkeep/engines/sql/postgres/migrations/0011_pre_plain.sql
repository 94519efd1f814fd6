-- The short ways of what is asked for most.

-- All fields of a map, or those with a prefix, of each of several entities, in their order:
-- [namespace, kind, id, map, prefix or null, renew]. `stale`: {apply} must see to it.
create or replace function {get_maps}(asked jsonb, clock bigint)
returns table (revision bigint, epoch text, names text[], vals bytea[], revs bigint[], wins bigint[], ends bigint[],
               links text, stale boolean)
language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    moment constant bigint := coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
begin
    return query
    select e.revision, e.epoch, f.names, f.vals, f.revs, f.wins, f.ends, f.links,
           coalesce(e.due <= greatest(moment, e.updated) or e.expires <= greatest(moment, e.updated)
                    or e.due > e.expires, false)
           or ((n.a->>5)::boolean and (coalesce({renewed}(e.win, e.expires, greatest(moment, e.updated)) is not null
                                                or f.renews, false)))
    from jsonb_array_elements(asked) with ordinality n (a, ord)
    left join lateral (
        select * from {entity} t where t.ns = n.a->>0 and t.kind = n.a->>1 and t.id = n.a->>2 limit 1
    ) e on true
    left join lateral (
        select array_agg(t.name) as names, array_agg(t.value) as vals, array_agg(t.rev) as revs,
               array_agg(t.win) as wins, array_agg(t.expires) as ends,
               case when bool_or(t.refs is not null) then json_agg(coalesce(t.refs, array[]::text[]))::text end as links,
               bool_or({renewed}(t.win, t.expires, greatest(moment, e.updated)) is not null) as renews
        from (
            select * from {field} i
            where i.eid = e.eid and i.map = n.a->>3 and i.name >= coalesce(n.a->>4, '')
              and i.name < coalesce({above}(n.a->>4), repeat(chr(1114111), 129))
              and (i.expires is null or i.expires > greatest(moment, e.updated))
            order by i.name
        ) t
    ) f on true
    order by n.ord;
end $$;

-- Items of a log of each of several entities, in order of their numbers:
-- [namespace, kind, id, log, after, before or null, limit or null, newest, renew].
create or replace function {get_items}(asked jsonb, clock bigint)
returns table (revision bigint, epoch text, head bigint, count bigint, bytes bigint, seqs bigint[], vals bytea[],
               ids text[], moments bigint[], links text, stale boolean)
language plpgsql stable set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    moment constant bigint := coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
begin
    return query
    select e.revision, e.epoch, l.head, l.count, l.bytes, f.seqs, f.vals, f.ids, f.moments, f.links,
           coalesce(e.due <= greatest(moment, e.updated) or e.expires <= greatest(moment, e.updated)
                    or e.due > e.expires, false)
           or ((n.a->>8)::boolean and {renewed}(e.win, e.expires, greatest(moment, e.updated)) is not null)
    from jsonb_array_elements(asked) with ordinality n (a, ord)
    left join lateral (
        select * from {entity} t where t.ns = n.a->>0 and t.kind = n.a->>1 and t.id = n.a->>2 limit 1
    ) e on true
    left join lateral (select * from {log} t where t.eid = e.eid and t.name = n.a->>3 limit 1) l on true
    left join lateral (
        select array_agg(t.seq) as seqs, array_agg(t.value) as vals, array_agg(t.id) as ids, array_agg(t.at) as moments,
               case when bool_or(t.refs is not null) then json_agg(coalesce(t.refs, array[]::text[]))::text end as links
        from (
            select * from (
                (select * from {item} i
                 where not (n.a->>7)::boolean and i.eid = l.eid and i.log = l.name and i.seq > (n.a->>4)::bigint
                   and i.seq < coalesce((n.a->>5)::bigint, 9223372036854775807)
                 order by i.seq limit (n.a->>6)::bigint)
                union all
                (select * from {item} i
                 where (n.a->>7)::boolean and i.eid = l.eid and i.log = l.name and i.seq > (n.a->>4)::bigint
                   and i.seq < coalesce((n.a->>5)::bigint, 9223372036854775807)
                 order by i.seq desc limit (n.a->>6)::bigint)
            ) w order by w.seq
        ) t
    ) f on true
    order by n.ord;
end $$;

-- Plain batches: Set without conditions or links, Append without ids or links, Incr; no guard but the epoch's. Most
-- are of this kind. What {apply} does for them by many functions is done here by few statements.

-- Add `n` values after `base` at the end of a log; the answer is the log's head.
create or replace function {append_plain}(p_eid bigint, p_log text, v bytea[], base int, n int, size bigint, p_now bigint)
returns bigint language plpgsql as $$
declare
    h bigint;
begin
    update {log} t set head = t.head + n, count = t.count + n, bytes = t.bytes + size
    where t.eid = p_eid and t.name = p_log
    returning t.head into h;
    if h is null then
        h := n;
        insert into {log} (eid, name, head, count, bytes) values (p_eid, p_log, n, n, size);
    end if;
    if n <= 4 then
        for k in 1 .. n loop
            insert into {item} (eid, log, seq, at, value) values (p_eid, p_log, h - n + k, p_now, v[base + k]);
        end loop;
    else
        insert into {item} (eid, log, seq, at, value)
        select p_eid, p_log, h - n + u.k, p_now, u.value from unnest(v[base + 1 : base + n]) with ordinality u (value, k);
    end if;
    return h;
end $$;

-- Run a plain batch and answer with the reply; null where its entity asks for {apply}, and is untouched.
create or replace function {apply_plain}(b jsonb, v bytea[], base int, max_fields int, clock bigint) returns text
language plpgsql as $$
declare
    ref constant jsonb := b->'ref';
    ops constant jsonb := b->'ops';
    old record;
    now bigint;
    op jsonb;
    part record;
    n int;
    at int := base + 1; -- the next value
    size bigint;
    p_map text;
    p_name text;
    p_win bigint;
    fin bigint;
    ends bigint;
    more_fields int := 0;
    more_bytes bigint := 0;
    more_items int := 0;
    item_size bigint := 0;
    results text := '';
begin
    select t.eid, t.revision + 1 as rev, t.epoch, t.updated, t.listed, t.win, t.expires, t.due, t.fields into old
    from {entity} t where t.ns = ref->>'namespace' and t.kind = ref->>'kind' and t.id = ref->>'id'
    for no key update;
    now := greatest(coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint), old.updated);
    if old.eid is null or old.expires <= now or old.due <= now or old.due > old.expires
       or now - old.listed >= 60000000 or old.fields + (b->>'plain')::int > max_fields
       or old.epoch <> b->'guards'->0->>'epoch' then
        return null;
    end if;
    for k in 0 .. jsonb_array_length(ops) - 1 loop
        op := ops->k;
        if op ? 'names' then
            p_map := op->>'map';
            p_win := op->'lease'->>'window';
            fin := coalesce((op->'lease'->>'end')::bigint, now + p_win);
            for i in 0 .. jsonb_array_length(op->'names') - 1 loop
                p_name := op->'names'->>i;
                size := null;
                update {field} t set value = v[at], rev = old.rev, win = p_win, expires = fin, refs = null
                from {field} was -- without a statement of its own
                where t.eid = old.eid and t.map = p_map and t.name = p_name
                  and was.eid = old.eid and was.map = p_map and was.name = p_name
                returning octet_length(was.value) into size;
                if size is null then
                    insert into {field} (eid, map, name, value, rev, win, expires)
                    values (old.eid, p_map, p_name, v[at], old.rev, p_win, fin);
                    more_fields := more_fields + 1;
                    size := 0;
                end if;
                more_bytes := more_bytes + octet_length(v[at]) - size;
                at := at + 1;
            end loop;
            ends := least(ends, fin);
            results := results || ',{{"type":"names","names":[]}}';
        elsif op ? 'log' then
            n := jsonb_array_length(op->'items');
            size := 0;
            for i in 0 .. n - 1 loop
                size := size + octet_length(v[at + i]);
            end loop;
            fin := {append_plain}(old.eid, op->>'log', v, at - 1, n, size, now);
            at := at + n;
            more_items := more_items + n;
            item_size := item_size + size;
            results := results || ',{{"type":"appended","seqs":[' || (fin - n + 1);
            for i in fin - n + 2 .. fin loop
                results := results || ',' || i;
            end loop;
            results := results || ']}}';
        else
            part := {increment}(old.eid, op, now, old.rev);
            more_fields := more_fields + part.count;
            more_bytes := more_bytes + part.weight;
            ends := least(ends, part.due);
            results := results || ',' || part.result;
        end if;
    end loop;
    fin := case when old.win is null then old.expires else now + old.win end;
    update {entity} t
    set updated = now, revision = old.rev, expires = fin, due = least(old.due, ends, fin), fields = t.fields + more_fields,
        field_bytes = t.field_bytes + more_bytes, items = t.items + more_items, item_bytes = t.item_bytes + item_size
    where t.eid = old.eid;
    return '{{"ok":true,"results":[' || substr(results, 2) || '],"revision":' || old.rev || ',"epoch":"' || old.epoch
        || '","changed":true}}';
end $$;

-- Run a group of batches, sorted by their entities, in one transaction. Their values lie behind each other.
create or replace function {apply_group}(batches jsonb, v bytea[], max_fields int, max_labels int, clock bigint)
returns table (reply text, vals bytea[]) language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    b jsonb;
    r record;
    base int := 0;
    told int[] := array[]::int[];
begin
    for n in 0 .. jsonb_array_length(batches) - 1 loop
        b := batches->n;
        vals := null;
        reply := case when b ? 'plain' then {apply_plain}(b, v, base, max_fields, clock) end;
        if reply is not null then
            told := told || n;
        else
            r := {apply}(b, v, base, max_fields, max_labels, clock);
            reply := r.reply;
            vals := r.vals;
            if r.changed then
                told := told || n;
            end if;
        end if;
        base := base + (b->>'values')::int;
        return next;
    end loop;
    if exists (select 1 from {watch}) then
        perform {tell}((select jsonb_agg(batches->n->'ref') from unnest(told) n));
    end if;
end $$;
