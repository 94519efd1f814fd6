-- The entity's row, its places in listings, its end.

-- A place in listings above all others of the kind, at least `p_now`.
create or replace function {next_listed}(p_ns text, p_kind text, p_now bigint) returns bigint language sql as $$
    select greatest(p_now, (select t.listed + 1 from {entity} t where t.kind || ' ' || t.ns = p_kind || ' ' || p_ns
                            order by t.listed desc limit 1))
$$;

-- Store the row as it is now, and its labels at their place where one of the two has changed.
create or replace function {put_entity}(old {entity}, e {entity}) returns void language plpgsql as $$
begin
    update {entity} t
    set updated = e.updated, listed = e.listed, prior = e.prior,
        mover = case when old.listed <> e.listed then pg_current_xact_id() else t.mover end, revision = e.revision, win = e.win,
        expires = e.expires, due = e.due, labels = e.labels, fields = e.fields,
        field_bytes = e.field_bytes, items = e.items, item_bytes = e.item_bytes
    where t.eid = e.eid;
    if (old.labels is not null or e.labels is not null)
       and (old.listed <> e.listed or old.labels is distinct from e.labels) then
        delete from {label} t using jsonb_each_text(old.labels) o
        where t.ns = e.ns and t.kind = e.kind and t.name = o.key and t.value = o.value
          and t.listed = old.listed and t.eid = e.eid;
        insert into {label} (ns, kind, name, value, listed, eid)
        select e.ns, e.kind, n.key, n.value, e.listed, e.eid from jsonb_each_text(e.labels) n;
    end if;
end $$;

-- Remove everything; with `until` leave a tombstone of the epoch that stands until then.
create or replace function {drop_entity}(e {entity}, p_until bigint) returns void language plpgsql as $$
begin
    delete from {item} t using {log} l where l.eid = e.eid and t.eid = l.eid and t.log = l.name;
    delete from {log} t where t.eid = e.eid;
    delete from {field} t where t.eid = e.eid;
    delete from {label} t using jsonb_each_text(e.labels) o
    where t.ns = e.ns and t.kind = e.kind and t.name = o.key and t.value = o.value
      and t.listed = e.listed and t.eid = e.eid;
    delete from {entity} t where t.eid = e.eid;
    if p_until is not null then
        insert into {tombstone} (ns, kind, id, epoch, until)
        values (e.ns, e.kind, e.id, e.epoch, p_until)
        on conflict (ns, kind, id, epoch) do update set until = excluded.until;
    end if;
end $$;

-- When an entity without any end is to be looked at: never, unless it holds nothing.
create or replace function {entity_due}(e {entity}) returns bigint language sql immutable as $$
    select case when e.fields = 0 and e.items = 0 and e.labels is null and e.expires is null
           then e.updated + 86400000000 end
$$;

-- Drop the fields that have run out and find the next time to look. An entity that has held nothing for a day
-- is forgotten: then null.
create or replace function {reclaim}(e {entity}, p_now bigint) returns {entity} language plpgsql as $$
declare
    gone bigint;
    size bigint;
    ends bigint;
begin
    with dead as (
        delete from {field} f where f.eid = e.eid and f.expires <= p_now
        returning f.map, octet_length(f.value) as size
    )
    select count(*), coalesce(sum(d.size), 0) into gone, size from dead d where d.map not like '#%';
    e.fields := e.fields - gone;
    e.field_bytes := e.field_bytes - size;
    select min(f.expires) into ends from {field} f where f.eid = e.eid;
    ends := least(ends, e.expires);
    if ends is not null then
        e.due := ends;
    elsif exists (select 1 from {log} l where l.eid = e.eid) then
        e.due := null;
    else
        e.due := {entity_due}(e);
        if e.due <= p_now then
            perform {drop_entity}(e, null);
            return null;
        end if;
    end if;
    perform {put_entity}(e, e);
    return e;
end $$;

-- Look after one entity that is due: claim it when it is over, else reclaim. The answer is a claim or null.
create or replace function {tend}(e {entity}, clock bigint, lease bigint, token bigint) returns json
language plpgsql as $$
declare
    now bigint := greatest(clock, e.updated);
begin
    if e.expires <= now or e.due > e.expires then
        now := greatest(now, e.expires + 1);
        if (e.due > now and token is distinct from e.due) or (token is not null and token is distinct from e.due) then
            return null;
        end if;
        update {entity} t set due = now + lease where t.eid = e.eid;
        return json_build_object(
            'ref', json_build_object('namespace', e.ns, 'kind', e.kind, 'id', e.id),
            'epoch', e.epoch, 'token', now + lease, 'ended', e.expires);
    elsif e.due <= now then
        perform {reclaim}(e, now);
    end if;
    return null;
end $$;

-- Lease what is due to the caller, as JSON; whether nothing more was due.
create or replace function {claim}(p_ns text, p_limit int, lease bigint, clock bigint, ref jsonb, token bigint,
                        out claims json, out finished boolean)
language plpgsql set enable_seqscan = off set jit = off as $$
declare
    now bigint := coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
    e {entity};
    claim json;
    found_ json[] := array[]::json[];
    seen int := 0;
begin
    delete from {tombstone} t
    where (t.ns, t.kind, t.id, t.epoch) in (
        select s.ns, s.kind, s.id, s.epoch from {tombstone} s
        where s.until <= now and (coalesce(ref->>'namespace', p_ns) is null or s.ns = coalesce(ref->>'namespace', p_ns))
        limit 1000 for update skip locked);
    if ref is not null then
        select * into e from {entity} t
        where t.ns = ref->>'namespace' and t.kind = ref->>'kind' and t.id = ref->>'id'
          and (p_ns is null or t.ns = p_ns)
        for no key update;
        claim := case when e.eid is not null then {tend}(e, now, lease, token) end;
        claims := case when claim is null then '[]' else json_build_array(claim) end;
        finished := true;
        return;
    end if;
    for e in
        select * from {entity} t where t.due <= now and (p_ns is null or t.ns = p_ns)
        order by t.due limit p_limit * 8 for no key update skip locked
    loop
        seen := seen + 1;
        claim := {tend}(e, now, lease, null);
        if claim is not null then
            found_ := found_ || claim;
            exit when cardinality(found_) >= p_limit;
        end if;
    end loop;
    claims := array_to_json(found_);
    finished := seen < p_limit * 8;
end $$;

-- What watchers call an entity. No name holds a control character.
create or replace function {watched}(ref jsonb) returns text language sql immutable as $$
    select left(encode(sha256(convert_to(
        concat_ws(E'\x1f', ref->>'namespace', ref->>'kind', ref->>'id'), 'UTF8')), 'hex'), 32)
$$;

-- Tell those who watch one of these entities. Only after the entities were written is it known who watches them.
create or replace function {tell}(refs jsonb) returns void language plpgsql as $$
declare
    known text;
begin
    if refs <> '[]' and exists (select 1 from {watch}) then
        select string_agg(w.key, ' ') into known from {watch} w
        where w.key = any (array(select {watched}(r) from jsonb_array_elements(refs) r))
          and w.until > (extract(epoch from clock_timestamp()) * 1000000)::bigint;
        if known is not null then
            perform pg_notify({channel}, known);
        end if;
    end if;
end $$;

-- Have changes of entities told for two minutes more.
create or replace function {watch_all}(keys text[]) returns void language plpgsql as $$
declare
    now bigint := (extract(epoch from clock_timestamp()) * 1000000)::bigint;
begin
    delete from {watch} w where w.until < now - 3600000000;
    insert into {watch} as w (key, until) select k, now + 120000000 from unnest(keys) k order by k
    on conflict (key) do update set until = excluded.until;
end $$;
