-- Writes to logs. The entity's row is locked.

create or replace function {append_one}(l {log}, op jsonb, v bytea[], base int, p_now bigint, out eid bigint, out name text,
                             out head bigint, out count bigint, out bytes bigint, out result json)
language plpgsql as $$
declare
    new constant bytea := v[base + (op->'items'->>0)::int + 1];
    id_ constant text := op->'ids'->>0;
    stands bigint;
begin
    eid := l.eid; name := l.name; head := l.head; count := l.count; bytes := l.bytes;
    if id_ is not null then
        select t.seq into stands from {item} t where t.eid + 0 = l.eid and t.log || '' = l.name and t.id = id_;
        if found then
            result := json_build_object('type', 'appended', 'seqs', array[stands], 'skipped', array[id_]);
            return;
        end if;
    end if;
    head := head + 1; count := count + 1; bytes := bytes + octet_length(new);
    insert into {item} (eid, log, seq, at, id, refs, value)
    values (l.eid, l.name, head, p_now, id_, {refs_of}(op->'refs'->0), new);
    result := json_build_object('type', 'appended', 'seqs', array[head]);
end $$;

create or replace function {append}(inout l {log}, op jsonb, v bytea[], base int, p_now bigint, out result json)
language plpgsql as $$
declare
    seqs bigint[];
    skipped text[];
    added bigint;
    size bigint;
begin
    if jsonb_array_length(op->'items') = 1 then
        select a.* into l.eid, l.name, l.head, l.count, l.bytes, result from {append_one}(l, op, v, base, p_now) a;
        return;
    end if;
    with given as (
        select o.ord::int as ord, v[base + o.value::int + 1] as value, op->'ids'->>(o.ord::int - 1) as id,
               nullif(array(select jsonb_array_elements_text(op->'refs'->(o.ord::int - 1))), array[]::text[]) as refs
        from jsonb_array_elements_text(op->'items') with ordinality o (value, ord)
    ), known as (
        select g.ord, i.seq from given g cross join lateral (
            select t.seq from {item} t where t.eid + 0 = l.eid and t.log || '' = l.name and t.id = g.id limit 1
        ) i
        where g.id is not null
    ), first as (
        select min(g.ord) as ord, g.id from given g where g.id is not null group by g.id
    ), fresh as (
        select g.*, l.head + row_number() over (order by g.ord) as seq
        from given g
        where not exists (select 1 from known k where k.ord = g.ord)
          and (g.id is null or exists (select 1 from first f where f.ord = g.ord))
    ), put as (
        insert into {item} (eid, log, seq, at, id, refs, value)
        select l.eid, l.name, f.seq, p_now, f.id, f.refs, f.value from fresh f
    )
    select array_agg(coalesce(f.seq, k.seq, twin.seq) order by g.ord),
           array_agg(g.id order by g.ord) filter (where f.seq is null),
           count(f.seq), coalesce(sum(octet_length(f.value)), 0)
    into seqs, skipped, added, size
    from given g left join fresh f using (ord) left join known k using (ord)
    left join fresh twin on twin.id = g.id and f.seq is null;
    l.head := l.head + added;
    l.count := l.count + added;
    l.bytes := l.bytes + size;
    result := json_build_object('type', 'appended', 'seqs', coalesce(seqs, array[]::bigint[]),
                                'skipped', coalesce(skipped, array[]::text[]));
end $$;

create or replace function {cut}(inout l {log}, op jsonb, out result json) language plpgsql as $$
declare
    low bigint := 1;
    high bigint := l.head;
    wanted bigint := coalesce(op->>'keep', op->>'newest')::bigint;
    edge bigint;
    gone bigint;
    size bigint;
begin
    if op ? 'before' then
        high := least((op->>'before')::bigint - 1, l.head);
    elsif wanted > 0 then
        -- the lowest number among the newest `wanted`
        select min(i.seq) into edge from (
            select t.seq from {item} t where t.eid = l.eid and t.log = l.name order by t.seq desc limit wanted
        ) i;
    end if;
    if op ? 'keep' then
        high := coalesce(edge - 1, l.head);
    elsif op ? 'newest' then
        low := coalesce(edge, l.head + 1);
    end if;
    with dead as (
        delete from {item} t where t.eid = l.eid and t.log = l.name and t.seq between low and high
        returning octet_length(t.value) as size
    )
    select count(*), coalesce(sum(d.size), 0) into gone, size from dead d;
    l.count := l.count - gone;
    l.bytes := l.bytes - size;
    result := json_build_object('type', 'count', 'count', gone);
end $$;

create or replace function {restore}(inout l {log}, op jsonb, v bytea[], base int, out result json) language plpgsql as $$
declare
    given jsonb := coalesce(op->'items', '[]');
    old constant bigint := l.head;
    one jsonb;
    gone int;
    size bigint;
    highest bigint;
begin
    -- One by one: of what stands at a list of numbers the server may read the whole log. An id is given once: what
    -- has it elsewhere moves here.
    for one in select * from jsonb_array_elements(given) where l.count > 0 loop
        if one->>'id' is not null then
            delete from {item} t where t.eid + 0 = l.eid and t.log || '' = l.name and t.id = one->>'id'
            returning octet_length(t.value) into size;
            get diagnostics gone = row_count;
            l.count := l.count - gone;
            l.bytes := l.bytes - coalesce(size, 0);
        end if;
        if (one->>'seq')::bigint <= old then
            delete from {item} t where t.eid = l.eid and t.log = l.name and t.seq = (one->>'seq')::bigint
            returning octet_length(t.value) into size;
            get diagnostics gone = row_count;
            l.count := l.count - gone;
            l.bytes := l.bytes - coalesce(size, 0);
        end if;
    end loop;
    with put as (
        insert into {item} (eid, log, seq, at, id, refs, value)
        select l.eid, l.name, (g->>'seq')::bigint, coalesce((g->>'at')::bigint, 0), g->>'id',
               nullif(array(select jsonb_array_elements_text(g->'refs')), array[]::text[]),
               v[base + (g->>'value')::int + 1]
        from jsonb_array_elements(given) g
        returning seq, octet_length(value) as size
    )
    select coalesce(sum(p.size), 0), max(p.seq) into size, highest from put p;
    l.count := l.count + jsonb_array_length(given);
    l.bytes := l.bytes + size;
    l.head := greatest(l.head, (op->>'head')::bigint, highest);
    result := json_build_object('type', 'count', 'count', jsonb_array_length(given));
end $$;

create or replace function {write_log}(p_eid bigint, op jsonb, v bytea[], base int, p_now bigint,
                            out result json, out changed boolean, out count bigint, out weight bigint)
language plpgsql as $$
declare
    old {log};
    l {log};
begin
    select * into old from {log} t where t.eid = p_eid and t.name = op->>'log';
    if old.eid is null then
        old.eid := p_eid; old.name := op->>'log'; old.head := 0; old.count := 0; old.bytes := 0;
    end if;
    l := old;
    if op->>'type' = 'append' then
        select (a.l).*, a.result into l.eid, l.name, l.head, l.count, l.bytes, result
        from {append}(old, op, v, base, p_now) a;
    elsif op->>'type' = 'cut' then
        select (a.l).*, a.result into l.eid, l.name, l.head, l.count, l.bytes, result from {cut}(old, op) a;
    else
        select (a.l).*, a.result into l.eid, l.name, l.head, l.count, l.bytes, result
        from {restore}(old, op, v, base) a;
    end if;
    count := l.count - old.count;
    weight := l.bytes - old.bytes;
    changed := l <> old or (op->>'type' = 'restore' and jsonb_array_length(coalesce(op->'items', '[]')) > 0);
    if changed then
        update {log} t set head = l.head, count = l.count, bytes = l.bytes where t.eid = p_eid and t.name = l.name;
        if not found then
            insert into {log} select l.*;
        end if;
    end if;
end $$;
