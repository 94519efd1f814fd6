-- The writes of a batch, and the whole of one: {apply} for one, {apply_all} for a group.

-- Labels after a Label operation.
create or replace function {relabel}(labels jsonb, given jsonb) returns jsonb language sql immutable as $$
    select (coalesce(labels, '{{}}') || given)
           - array(select n.key from jsonb_each(given) n where jsonb_typeof(n.value) = 'null')
$$;

-- Do the writes of a batch to an entity, which is locked; `results` has those of the reads in it.
create or replace function {write}(old {entity}, b jsonb, v bytea[], base int, p_now bigint, born boolean,
                        max_fields int, max_labels int, inout results json[],
                        out e {entity}, out changed boolean)
language plpgsql as $$
declare
    rev constant bigint := old.revision + 1;
    op jsonb;
    part record;
    first_end bigint;
    labels jsonb := coalesce(old.labels, '{{}}');
    lease jsonb := b->(case when born then 'birth_lease' else 'lease' end);
    ends bigint;
begin
    e := old;
    changed := false;
    for n in 1 .. jsonb_array_length(b->'ops') loop
        op := b->'ops'->(n - 1);
        case op->>'type'
        when 'set' then
            if op ? 'many' then
                part := {set_fields}(e.eid, op, v, base, p_now, rev);
            else
                part := {set_each}(e.eid, op, v, base, p_now, rev);
            end if;
        when 'del' then part := {delete_fields}(e.eid, op, p_now);
        when 'incr' then part := {increment}(e.eid, op, p_now, rev);
        when 'append', 'cut', 'restore' then
            part := {write_log}(e.eid, op, v, base, p_now);
            e.items := e.items + part.count;
            e.item_bytes := e.item_bytes + part.weight;
            results[n] := part.result;
            changed := changed or part.changed;
            continue;
        when 'touch' then
            results[n] := case when op ? 'map' then {touch_fields}(e.eid, op, p_now, rev)
                          else json_build_object('type', 'count', 'count', 0) end;
            continue;
        when 'label' then
            labels := {relabel}(labels, op->'labels');
            results[n] := json_build_object('type', 'labels', 'labels', labels);
            continue;
        else continue;
        end case;
        results[n] := part.result;
        changed := changed or part.changed;
        first_end := least(first_end, part.due);
        if op->>'map' not like '#%' then
            e.fields := e.fields + part.count;
            e.field_bytes := e.field_bytes + part.weight;
        end if;
    end loop;
    e.labels := nullif(labels, '{{}}');
    if e.fields > old.fields or e.labels is distinct from old.labels then
        perform {check_limits}(old, e, labels, max_fields, max_labels);
    end if;
    changed := changed or e.labels is distinct from old.labels;
    if born and not changed then
        return;
    end if;
    if lease is not null then
        select l.win, greatest(l.fin, case when l.fin is not null then p_now end)
        into e.win, e.expires from {start_lease}(lease, p_now) l;
    elsif e.win is not null then
        e.expires := p_now + e.win;
    end if;
    ends := least(e.due, first_end, e.expires);
    e.due := coalesce(ends, {entity_due}(e));
    if changed then
        e.revision := rev;
        e.updated := p_now;
        if p_now - e.listed >= 60000000 then
            e.prior := e.listed;
            e.listed := {next_listed}(e.ns, e.kind, p_now);
        end if;
    end if;
end $$;

create or replace function {check_limits}(old {entity}, e {entity}, labels jsonb, max_fields int, max_labels int)
returns void language plpgsql as $$
declare
    shown bigint;
begin
    if labels is distinct from coalesce(old.labels, '{{}}') then
        select count(*) filter (where k not like '#%') into shown from jsonb_object_keys(labels) k;
        if shown > max_labels
           and (select count(*) from jsonb_object_keys(labels)) > (select count(*) from jsonb_object_keys(coalesce(old.labels, '{{}}'))) then
            perform {refuse}('labels', json_build_object('found', shown, 'limit', max_labels));
        end if;
    end if;
    if e.fields > max_fields and e.fields > old.fields then
        perform {refuse}('fields', json_build_object('found', e.fields, 'limit', max_fields));
    end if;
end $$;

-- Write to a claimed entity: its end, or marks in hidden maps that leave everything else as it is.
create or replace function {mark}(e {entity}, b jsonb, v bytea[], base int, p_now bigint, results json[]) returns json
language plpgsql as $$
declare
    op jsonb;
    n int := 0;
    part record;
begin
    for op in select * from jsonb_array_elements(b->'ops') loop
        n := n + 1;
        if op->>'type' = 'set' then
            part := {set_fields}(e.eid, op, v, base, p_now, e.revision);
            results[n] := part.result;
        elsif op->>'type' = 'drop' then
            perform {drop_entity}(e, p_now + 86400000000);
            results[n] := json_build_object('type', 'count', 'count', e.fields + e.items);
            return {reply}(null, true, results, changed => true);
        end if;
    end loop;
    return {reply}(e, true, results);
end $$;

-- Run a batch. `clock`: microseconds, null for the server's own time.
create or replace function {apply}(b jsonb, v bytea[], base int, max_fields int, max_labels int, clock bigint,
                        out reply json, out vals bytea[], out changed boolean)
language plpgsql as $$
declare
    writes constant boolean := (b->>'writes')::boolean;
    e {entity};
    now bigint;
    claimed boolean := false;
    born boolean;
    a record;
    w record;
    results json[];
    stale jsonb := '[]';
begin
    changed := false;
    vals := array[]::bytea[];
    select * into e from {entity} t
    where t.ns = b->'ref'->>'namespace' and t.kind = b->'ref'->>'kind' and t.id = b->'ref'->>'id'
    for no key update;
    now := greatest(coalesce(clock, (extract(epoch from clock_timestamp()) * 1000000)::bigint), e.updated);
    if e.expires <= now or e.due > e.expires then
        claimed := exists (select 1 from jsonb_array_elements(b->'guards') g
                           where g->>'type' = 'claimed' and (g->>'token')::bigint = e.due);
        if not claimed then
            reply := {over}(e, b, now, writes);
            return;
        end if;
        if exists (select 1 from jsonb_array_elements(b->'ops') op
                   where op->>'type' not in ('get', 'read', 'info', 'now', 'drop')
                     and not (op->>'type' = 'set' and op->>'map' like '#%')) then
            perform {refuse}('expired', '{{}}');
        end if;
        now := greatest(e.updated, e.expires - 1);
    elsif e.due <= now then
        e := {reclaim}(e, now);
    end if;
    if e.eid is not null and b ? 'once' then
        select f.rev, convert_from(f.value, 'UTF8')::json as kept into w from {field} f
        where f.eid = e.eid and f.map = '#once' and f.name = b->>'once';
        if found then
            reply := json_build_object('ok', true, 'results', w.kept->'results', 'revision', w.rev,
                                       'epoch', e.epoch, 'repeated', true);
            vals := array(select decode(x, 'base64') from json_array_elements_text(w.kept->'values') x);
            return;
        end if;
    end if;
    for n in 0 .. coalesce(jsonb_array_length(b->'guards'), 0) - 1 loop
        if not {holds}(e, b->'guards'->n, b, now, claimed) then
            a := {answer}(e, b->'otherwise', now);
            if e.eid is not null and not claimed then
                perform {settle}(e, a.stale, (b->>'otherwise_renews')::boolean, now);
            end if;
            reply := {reply}(e, false, a.results, n);
            vals := a.vals;
            return;
        end if;
    end loop;
    if (b->>'reads')::boolean then
        a := {answer}(e, b->'ops', now);
        vals := a.vals;
        results := a.results;
        stale := a.stale;
    else
        results := array_fill(null::json, array[jsonb_array_length(b->'ops')]);
    end if;
    if not writes then
        if e.eid is not null and not claimed then
            perform {settle}(e, stale, (b->>'renews')::boolean, now);
        end if;
        reply := {reply}(e, true, results);
        return;
    elsif claimed then
        reply := {mark}(e, b, v, base, now, results);
        changed := reply->>'changed' = 'true';
        return;
    elsif (b->>'drops')::boolean then
        changed := e.eid is not null;
        if changed then
            perform {drop_entity}(e, now + 86400000000);
        end if;
        results[array_position(results::text[], null)] :=
            json_build_object('type', 'count', 'count', coalesce(e.fields + e.items, 0));
        reply := {reply}(null, true, results, changed => changed);
        return;
    end if;
    born := e.eid is null;
    if born then
        if (b->>'makes')::boolean then
            e := {create_entity}(b, now);
            if e.eid is null then -- somebody else was quicker
                select x.reply, x.vals, x.changed into reply, vals, changed
                from {apply}(b, v, base, max_fields, max_labels, clock) x;
                return;
            end if;
        else
            e.updated := now;
        end if;
    elsif stale <> '[]' then
        perform {renew_fields}(e.eid, stale, now);
    end if;
    w := {write}(e, b, v, base, now, born, max_fields, max_labels, results);
    changed := w.changed;
    if born and not w.changed then
        delete from {entity} t where t.eid = e.eid;
        reply := {reply}(null, true, w.results);
        return;
    end if;
    perform {finish}(e, w.e, b->>'once', w.results, vals, now);
    reply := {reply}(w.e, true, w.results, changed => w.changed);
end $$;

create or replace function {finish}(old {entity}, e {entity}, once text, results json[], vals bytea[], p_now bigint)
returns void language plpgsql as $$
begin
    if once is not null then
        e.due := {remember}(e, once, results, vals, p_now);
    end if;
    perform {put_entity}(old, e);
end $$;

-- Run a group of batches, sorted by their entities, in one transaction. Their values lie behind each other.
create or replace function {apply_all}(batches jsonb, v bytea[], max_fields int, max_labels int, clock bigint)
returns table (reply text, vals bytea[]) language plpgsql
set enable_seqscan = off set plan_cache_mode = force_generic_plan set jit = off as $$
declare
    b jsonb;
    r record;
    base int := 0;
    told jsonb := '[]';
begin
    for n in 0 .. jsonb_array_length(batches) - 1 loop
        b := batches->n;
        r := {apply}(b, v, base, max_fields, max_labels, clock);
        base := base + (b->>'values')::int;
        reply := r.reply;
        vals := r.vals;
        if r.changed then
            told := told || (b->'ref');
        end if;
        return next;
    end loop;
    perform {tell}(told);
end $$;
