-- Writes to fields. The entity's row is locked. `count` and `weight` are what is to be added to its counts.

create or replace function {start_lease}(lease jsonb, now bigint, out win bigint, out fin bigint)
language plpgsql immutable as $$
begin
    win := (lease->>'window')::bigint;
    fin := coalesce((lease->>'end')::bigint, now + win);
end $$;

-- A few fields, one after the other.
create or replace function {set_each}(p_eid bigint, op jsonb, v bytea[], base int, p_now bigint, p_rev bigint,
                           out result json, out changed boolean, out due bigint, out count bigint,
                           out weight bigint)
language plpgsql as $$
declare
    m constant text := op->>'map';
    only_absent constant boolean := op ? 'absent_only';
    skipped text[];
    given record;
    new bytea;
    size int;
    p_win constant bigint := op->'lease'->>'window';
    fin constant bigint := coalesce((op->'lease'->>'end')::bigint, p_now + p_win);
begin
    count := 0;
    weight := 0;
    changed := false;
    for given in select g.key, g.value from jsonb_each(op->'items') g loop
        if only_absent and exists (
            select 1 from {field} t where t.eid = p_eid and t.map = m and t.name = given.key
            and (t.expires is null or t.expires > p_now)
        ) then
            skipped := skipped || given.key;
            continue;
        end if;
        new := v[base + given.value::int + 1];
        update {field} t
        set value = new, rev = p_rev, win = p_win, expires = fin, refs = {refs_of}(op->'refs'->given.key)
        from {field} old -- as it was, without a statement of its own
        where t.eid = p_eid and t.map = m and t.name = given.key
          and old.eid = p_eid and old.map = m and old.name = given.key
        returning octet_length(old.value) into size;
        if size is null then
            insert into {field} (eid, map, name, value, rev, win, expires, refs)
            values (p_eid, m, given.key, new, p_rev, p_win, fin, {refs_of}(op->'refs'->given.key));
            count := count + 1;
            size := 0;
        end if;
        weight := weight + octet_length(new) - size;
        changed := true;
    end loop;
    due := case when changed then fin end;
    result := json_build_object('type', 'names', 'names', coalesce(skipped, array[]::text[]));
end $$;

-- Names from JSON; null for none.
create or replace function {refs_of}(given jsonb) returns text[] language plpgsql immutable as $$
begin
    if given is null or given = '[]' then
        return null;
    end if;
    return array(select jsonb_array_elements_text(given));
end $$;

create or replace function {set_fields}(p_eid bigint, op jsonb, v bytea[], base int, p_now bigint, p_rev bigint,
                             out result json, out changed boolean, out due bigint, out count bigint,
                             out weight bigint)
language plpgsql as $$
declare
    m text := op->>'map';
    only_absent boolean := coalesce((op->>'absent_only')::boolean, false);
    lease record;
    skipped text[];
begin
    if not op ? 'many' then
        select s.* into result, changed, due, count, weight from {set_each}(p_eid, op, v, base, p_now, p_rev) s;
        return;
    end if;
    lease := {start_lease}(op->'lease', p_now);
    with given as (
        select g.key as name, v[base + g.value::int + 1] as value,
               case when op->'refs' ? g.key then array(select jsonb_array_elements_text(op->'refs'->g.key)) end as refs
        from jsonb_each_text(op->'items') g
    ), old as (
        select g.name, f.size, f.living from given g cross join lateral (
            select octet_length(t.value) as size, t.expires is null or t.expires > p_now as living
            from {field} t where t.eid = p_eid and t.map = m and t.name = g.name limit 1
        ) f
    ), put as (
        insert into {field} as f (eid, map, name, value, rev, win, expires, refs)
        select p_eid, m, g.name, g.value, p_rev, lease.win, lease.fin, nullif(g.refs, array[]::text[])
        from given g
        where not only_absent or not exists (select 1 from old o where o.name = g.name and o.living)
        on conflict (eid, map, name) do update
        set value = excluded.value, rev = excluded.rev, win = excluded.win, expires = excluded.expires,
            refs = excluded.refs
        returning f.name, octet_length(f.value) as size
    )
    select count(p.name) - count(o.name) filter (where p.name is not null),
           coalesce(sum(p.size), 0) - coalesce(sum(o.size) filter (where p.name is not null), 0),
           array_agg(g.name) filter (where p.name is null), count(p.name) > 0
    into count, weight, skipped, changed
    from given g left join put p using (name) left join old o using (name);
    due := case when changed then lease.fin end;
    result := json_build_object('type', 'names', 'names', coalesce(skipped, array[]::text[]));
end $$;

create or replace function {delete_fields}(p_eid bigint, op jsonb, p_now bigint,
                                out result json, out changed boolean, out due bigint, out count bigint,
                                out weight bigint)
language plpgsql as $$
declare
    m constant text := op->>'map';
    gone text[];
    wanted text;
    size bigint;
begin
    count := 0;
    weight := 0;
    -- by name one after the other: joined, the server may read the whole map
    for wanted in select distinct n collate "C" from jsonb_array_elements_text(op->'fields') n order by 1 loop
        delete from {field} f
        where f.eid = p_eid and f.map = m and f.name = wanted and (f.expires is null or f.expires > p_now)
        returning octet_length(f.value) into size;
        if found then
            gone := gone || wanted;
            count := count - 1;
            weight := weight - size;
        end if;
    end loop;
    if not op ? 'fields' then
        with dead as (
            delete from {field} f
            where f.eid = p_eid and f.map = m and f.name >= coalesce(op->>'prefix', '')
              and f.name < coalesce({above}(op->>'prefix'), repeat(chr(1114111), 129))
              and (f.expires is null or f.expires > p_now)
            returning f.name, octet_length(f.value) as size
        )
        select array_agg(d.name order by d.name), -count(*), -coalesce(sum(d.size), 0)
        into gone, count, weight from dead d;
    end if;
    changed := gone is not null;
    result := json_build_object('type', 'names', 'names', coalesce(gone, array[]::text[]));
end $$;

create or replace function {increment}(p_eid bigint, op jsonb, p_now bigint, p_rev bigint,
                            out result json, out changed boolean, out due bigint, out count bigint,
                            out weight bigint)
language plpgsql as $$
declare
    f {field};
    lease record;
    stands boolean;
    total text;
begin
    lease := {start_lease}(op->'lease', p_now);
    select * into f from {field} t
    where t.eid = p_eid and t.map = op->>'map' and t.name = op->>'field';
    stands := f.eid is not null and (f.expires is null or f.expires > p_now);
    total := {increased}(case when stands then f.value end, op->>'by', op->>'field');
    due := lease.fin;
    if stands and coalesce((op->>'keep')::boolean, true) then
        due := coalesce(p_now + f.win, f.expires);
        lease.win := f.win;
    end if;
    insert into {field} as t (eid, map, name, value, rev, win, expires, refs)
    values (p_eid, op->>'map', op->>'field', convert_to('j' || total, 'UTF8'), p_rev, lease.win, due,
            case when stands then f.refs end)
    on conflict (eid, map, name) do update
    set value = excluded.value, rev = excluded.rev, win = excluded.win, expires = excluded.expires,
        refs = excluded.refs;
    changed := true;
    count := case when f.eid is null then 1 else 0 end;
    weight := 1 + length(total) - coalesce(octet_length(f.value), 0);
    result := json_build_object('type', 'number', 'value', total::json);
end $$;

-- Renew exactly; what this batch has written (it carries `p_rev`) stays as it was written.
create or replace function {touch_fields}(p_eid bigint, op jsonb, p_now bigint, p_rev bigint) returns json
language plpgsql as $$
declare
    total bigint;
begin
    with living as (
        select distinct p.name, p.win, p.rev, p.expires
        from {pick}(p_eid, op->>'map', op->'fields', null) p
        where p.win is not null and (p.expires is null or p.expires > p_now)
    ), moved as (
        update {field} f set expires = p_now + l.win from living l
        where f.eid = p_eid and f.map = op->>'map' and f.name = l.name
          and l.rev <> p_rev and l.expires is distinct from p_now + l.win
    )
    select count(*) into total from living;
    return json_build_object('type', 'count', 'count', total);
end $$;

-- Renew the fields that reads have named: [[map, [name, ...]], ...].
create or replace function {renew_fields}(p_eid bigint, stale jsonb, p_now bigint) returns void
language plpgsql as $$
declare
    part jsonb;
begin
    for part in select * from jsonb_array_elements(stale) loop
        update {field} f set expires = p_now + f.win
        from jsonb_array_elements_text(part->1) n (name)
        where f.eid = p_eid and f.map = part->>0 and f.name = n.name;
    end loop;
end $$;
