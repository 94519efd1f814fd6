-- Listings: candidates for one page, in one trip.

-- Whether an entity stands: a lease, a label or a log, or a field that has not run out. A claim puts `due`
-- after the end: what was claimed does not stand, though the clock may have gone back.
create or replace function {alive}(e {entity}, p_now bigint) returns boolean language sql stable as $$
    select (e.expires is null or (e.expires > greatest(p_now, e.updated) and coalesce(e.due, 0) <= e.expires))
       and (e.expires is not null or e.labels is not null
            or exists (select 1 from {log} l where l.eid = e.eid)
            or exists (select 1 from {field} f where f.eid = e.eid and f.map not like '#%'
                       and (f.expires is null or f.expires > greatest(p_now, e.updated))))
$$;

create or replace function {listed}(e {entity}, p_now bigint) returns json language sql stable as $$
    select json_build_object(
        'listed', e.listed,
        'entry', json_build_object(
            'ref', json_build_object('namespace', e.ns, 'kind', e.kind, 'id', e.id),
            'info', {record}(e, greatest(p_now, e.updated), null, null)))
$$;

-- The label that the fewest entities have, as far as 1,000 can tell.
create or replace function {rarest}(q jsonb) returns jsonb language sql stable as $$
    select n.pair from jsonb_array_elements(q->'labels') n (pair)
    order by (select count(*) from (
        select 1 from {label} t
        where t.ns = q->>'namespace' and t.kind = q->>'kind' and t.name = n.pair->>0 and t.value = n.pair->>1
        limit 1000) c)
    limit 1
$$;

-- Entities at places below one, highest first, that have all labels.
create or replace function {places}(q jsonb, pair jsonb, high bigint, p_now bigint) returns setof {entity}
language plpgsql stable as $$
declare
    wanted constant jsonb := (select jsonb_object_agg(n->>0, n->>1) from jsonb_array_elements(q->'labels') n);
    many constant int := (q->>'limit')::int + 1;
begin
    if pair is null then
        return query select * from {entity} e
        where e.kind || ' ' || e.ns = (q->>'kind') || ' ' || (q->>'namespace') and e.listed < high and {alive}(e, p_now)
        order by e.listed desc limit many;
    else
        return query select e.* from {label} t cross join lateral (
            select * from {entity} x where x.eid = t.eid limit 1) e
        where t.ns = q->>'namespace' and t.kind = q->>'kind' and t.name = pair->>0 and t.value = pair->>1
          and t.listed < high and e.labels @> wanted and {alive}(e, p_now)
        order by t.listed desc limit many;
    end if;
end $$;

-- Entities that have moved up since the last page and had not had their turn, lowest first. Who moved one then
-- may have been under way when the page was read, and committed since: its snapshot tells. `snap` null: places tell.
create or replace function {moved_up}(q jsonb, pair jsonb, p_now bigint) returns setof {entity} language plpgsql stable as $$
declare
    wanted constant jsonb := (select jsonb_object_agg(n->>0, n->>1) from jsonb_array_elements(q->'labels') n);
    many constant int := (q->>'limit')::int + 1;
    snap constant pg_snapshot := q->>'snap';
    seen constant bigint := q->>'seen';
    below constant bigint := q->>'below';
    since constant bigint := q->>'since'; -- of a page that ended within what had moved up to `edge`
    edge constant bigint := q->>'top';
    low constant bigint := seen - case when snap is null then 0 else 10000000 end;
begin
    if pair is null then
        return query select * from {entity} e
        where e.kind || ' ' || e.ns = (q->>'kind') || ' ' || (q->>'namespace') and e.listed > low and e.listed >= below
          and e.prior > 0
          and (e.prior < below or e.prior > seen or (e.prior > since and e.listed <= edge))
          and (snap is null or not pg_visible_in_snapshot(e.mover, snap)) and {alive}(e, p_now)
        order by e.listed limit many;
    else
        return query select e.* from {label} t cross join lateral (
            select * from {entity} x where x.eid = t.eid limit 1) e
        where t.ns = q->>'namespace' and t.kind = q->>'kind' and t.name = pair->>0 and t.value = pair->>1
          and t.listed > low and t.listed >= below and e.labels @> wanted
          and e.prior > 0
          and (e.prior < below or e.prior > seen or (e.prior > since and e.listed <= edge))
          and (snap is null or not pg_visible_in_snapshot(e.mover, snap)) and {alive}(e, p_now)
        order by t.listed limit many;
    end if;
end $$;

-- What stands on a page newest first: what has moved up, what comes next, the highest place, what was committed.
create or replace function {newest}(q jsonb, clock bigint, out moved text, out here text, out top bigint, out snap text)
language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    now bigint := coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
    pair jsonb := {rarest}(q);
begin
    snap := pg_current_snapshot();
    top := coalesce((select e.listed from {entity} e where e.kind || ' ' || e.ns = (q->>'kind') || ' ' || (q->>'namespace')
                     order by e.listed desc limit 1), 0);
    if q ? 'seen' then
        select json_agg({listed}(e, now)) into moved from {moved_up}(q, pair, now) e;
    end if;
    select json_agg({listed}(e, now)) into here
    from {places}(q, pair, coalesce((q->>'below')::bigint, 9223372036854775807), now) e;
end $$;

-- A page by id.
create or replace function {by_id}(q jsonb, clock bigint, out here text)
language plpgsql stable set enable_seqscan = off set enable_bitmapscan = off set enable_sort = off
set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    now bigint := coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
    wanted jsonb := coalesce((select jsonb_object_agg(n->>0, n->>1) from jsonb_array_elements(q->'labels') n), '{{}}');
begin
    select json_agg({listed}(e, now) order by e.id) into here from (
        select * from {entity} t
        where t.ns = q->>'namespace' and t.kind = q->>'kind'
          and t.id >= greatest(q->>'last' collate "C", q->>'prefix', '') and t.id is distinct from q->>'last'
          and t.id < coalesce({above}(q->>'prefix'), repeat(chr(1114111), 129))
          and coalesce(t.labels, '{{}}') @> wanted and {alive}(t, now)
        order by t.id limit (q->>'limit')::int + 1
    ) e;
end $$;
