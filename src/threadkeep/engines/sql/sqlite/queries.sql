-- Every statement of the SQLite engine, by name.

-- name: entity
select eid, created, updated, listed, prior, revision, epoch, win, expires, due, labels,
       fields, field_bytes, items, item_bytes
from tk_entity where ns = ? and kind = ? and id = ?;

-- name: get_one
-- One field and what must be known of its entity, in one statement: the hot path.
select e.revision, e.epoch, e.updated, e.win, e.expires, e.due,
       case when length(f.value) <= 131072 then f.value end, length(f.value),
       f.rev, f.win, f.expires, f.refs
from tk_entity e left join tk_field f on f.eid = e.eid and f.map = ? and f.name = ?
where e.ns = ? and e.kind = ? and e.id = ?;

-- name: insert_entity
insert into tk_entity (ns, kind, id, created, updated, listed, prior, revision, epoch, win, expires,
                       due, labels, fields, field_bytes, items, item_bytes)
values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: update_entity
update tk_entity set updated = ?, listed = ?, prior = ?, revision = ?, win = ?, expires = ?, due = ?,
                     labels = ?, fields = ?, field_bytes = ?, items = ?, item_bytes = ?
where eid = ?;

-- name: update_hot
-- What most writes change: nothing that stands in an index.
update tk_entity set updated = ?, revision = ?, fields = ?, field_bytes = ?, items = ?, item_bytes = ?
where eid = ?;

-- name: delete_entity
delete from tk_entity where eid = ?;

-- name: delete_entity_fields
delete from tk_field where eid = ?;

-- name: delete_entity_logs
delete from tk_log where eid = ?;

-- name: log_ids
select lid from tk_log where eid = ?;

-- name: delete_log_items
delete from tk_item where pos between ? and ?;

-- name: top_listed
select max(listed) from tk_entity where ns = ? and kind = ?;

-- name: insert_label
insert into tk_label (ns, kind, name, value, listed, eid) values (?, ?, ?, ?, ?, ?);

-- name: delete_label
delete from tk_label where ns = ? and kind = ? and name = ? and value = ? and listed = ? and eid = ?;

-- name: insert_tombstone
insert or replace into tk_tombstone (ns, kind, id, epoch, until) values (?, ?, ?, ?, ?);

-- name: tombstone
select 1 from tk_tombstone where ns = ? and kind = ? and id = ? and epoch = ? and until > ?;

-- name: delete_tombstones
delete from tk_tombstone where until <= ?1 and (?2 is null or ns = ?2);

-- name: field
select name, value, rev, win, expires, refs, length(value) from tk_field
where eid = ? and map = ? and name = ?;

-- name: field_stat
select name, x'', rev, win, expires, refs, length(value) from tk_field
where eid = ? and map = ? and name = ?;

-- name: map_all
select name, value, rev, win, expires, refs, length(value) from tk_field
where eid = ? and map = ? order by name;

-- name: map_all_stat
select name, x'', rev, win, expires, refs, length(value) from tk_field
where eid = ? and map = ? order by name;

-- name: map_prefix
select name, value, rev, win, expires, refs, length(value) from tk_field
where eid = ? and map = ? and name >= ? and name < cast(? as text) order by name;

-- name: map_prefix_stat
select name, x'', rev, win, expires, refs, length(value) from tk_field
where eid = ? and map = ? and name >= ? and name < cast(? as text) order by name;

-- name: put_field
insert or replace into tk_field (eid, map, name, value, rev, win, expires, refs)
values (?, ?, ?, ?, ?, ?, ?, ?);

-- name: delete_field
delete from tk_field where eid = ? and map = ? and name = ?;

-- name: move_end
update tk_field set expires = ? where eid = ? and map = ? and name = ?;

-- name: run_out
select map, name, length(value) from tk_field where eid = ? and expires <= ?;

-- name: first_end
select min(expires) from tk_field where eid = ?;

-- name: maps
select distinct map from tk_field where eid = ? order by map;

-- name: logs
select name from tk_log where eid = ? order by name;

-- name: log
select lid, head, count, bytes from tk_log where eid = ? and name = ?;

-- name: insert_log
insert into tk_log (eid, name, head, count, bytes) values (?, ?, ?, ?, ?);

-- name: update_log
update tk_log set head = ?, count = ?, bytes = ? where lid = ?;

-- name: items_oldest
select pos, value, id, refs, at, 0 from tk_item where pos > ? and pos < ? order by pos limit ?;

-- name: items_newest
select pos, value, id, refs, at, 0 from tk_item where pos > ? and pos < ? order by pos desc limit ?;

-- name: items_oldest_stat
select pos, x'', id, refs, at, length(value) from tk_item where pos > ? and pos < ? order by pos limit ?;

-- name: items_newest_stat
select pos, x'', id, refs, at, length(value) from tk_item
where pos > ? and pos < ? order by pos desc limit ?;

-- name: item
select pos, value, id, refs, at, 0 from tk_item where pos = ?;

-- name: item_by_id
select pos from tk_item where pos >> 32 = ? and id = ?;

-- name: put_item
insert or replace into tk_item (pos, value, id, refs, at) values (?, ?, ?, ?, ?);

-- name: items_weight
select count(*), coalesce(sum(length(value)), 0) from tk_item where pos between ? and ?;

-- name: due
select ns, kind, id from tk_entity where due <= ? and (? is null or ns = ?) order by due limit ?;

-- name: alive_by_id
-- The entities that stand: a lease, a label or a log, or a field that has not run out. A claim puts
-- `due` after the end: what was claimed does not stand, though the clock may have gone back.
select e.id, e.created, e.updated, e.revision, e.epoch, e.win, e.expires, e.labels, e.fields, e.items,
       e.field_bytes + e.item_bytes, e.eid, e.due, e.listed
from tk_entity e
where e.ns = :ns and e.kind = :kind and e.id >= :low and e.id <> :last
  and (:upper is null or e.id < cast(:upper as text))
  and not exists (select 1 from json_each(:others) o
                  where not exists (select 1 from tk_label x
                                    where x.ns = e.ns and x.kind = e.kind and x.name = o.key
                                      and x.value = o.value and x.listed = e.listed and x.eid = e.eid))
  and (e.expires is null or (e.expires > max(:now, e.updated) and ifnull(e.due, 0) <= e.expires))
  and (e.expires is not null or e.labels is not null
       or exists (select 1 from tk_log l where l.eid = e.eid)
       or exists (select 1 from tk_field f where f.eid = e.eid and (f.map < '#' or f.map >= '$')
                  and (f.expires is null or f.expires > max(:now, e.updated))))
order by e.id limit :limit;

-- name: alive_newest
select e.id, e.created, e.updated, e.revision, e.epoch, e.win, e.expires, e.labels, e.fields, e.items,
       e.field_bytes + e.item_bytes, e.eid, e.due, e.listed
from tk_entity e
where e.ns = :ns and e.kind = :kind and e.listed < :below
  and (e.expires is null or (e.expires > max(:now, e.updated) and ifnull(e.due, 0) <= e.expires))
  and (e.expires is not null or e.labels is not null
       or exists (select 1 from tk_log l where l.eid = e.eid)
       or exists (select 1 from tk_field f where f.eid = e.eid and (f.map < '#' or f.map >= '$')
                  and (f.expires is null or f.expires > max(:now, e.updated))))
order by e.listed desc limit :limit;

-- name: moved_newest
-- What has moved up since the last page and had not had its turn.
select e.id, e.created, e.updated, e.revision, e.epoch, e.win, e.expires, e.labels, e.fields, e.items,
       e.field_bytes + e.item_bytes, e.eid, e.due, e.listed
from tk_entity e
where e.ns = :ns and e.kind = :kind and e.listed > :seen and e.prior > 0
  and (e.prior < :below or e.prior > :seen or (e.prior > :since and e.listed <= :top))
  and (e.expires is null or (e.expires > max(:now, e.updated) and ifnull(e.due, 0) <= e.expires))
  and (e.expires is not null or e.labels is not null
       or exists (select 1 from tk_log l where l.eid = e.eid)
       or exists (select 1 from tk_field f where f.eid = e.eid and (f.map < '#' or f.map >= '$')
                  and (f.expires is null or f.expires > max(:now, e.updated))))
order by e.listed limit :limit;

-- name: labelled_newest
select e.id, e.created, e.updated, e.revision, e.epoch, e.win, e.expires, e.labels, e.fields, e.items,
       e.field_bytes + e.item_bytes, e.eid, e.due, e.listed
from tk_label t cross join tk_entity e on e.eid = t.eid
where t.ns = :ns and t.kind = :kind and t.name = :name and t.value = :value and t.listed < :below
  and (e.expires is null or (e.expires > max(:now, e.updated) and ifnull(e.due, 0) <= e.expires))
  and not exists (select 1 from json_each(:others) o
                  where not exists (select 1 from tk_label x
                                    where x.ns = t.ns and x.kind = t.kind and x.name = o.key
                                      and x.value = o.value and x.listed = t.listed and x.eid = t.eid))
order by t.listed desc limit :limit;

-- name: labelled_moved
select e.id, e.created, e.updated, e.revision, e.epoch, e.win, e.expires, e.labels, e.fields, e.items,
       e.field_bytes + e.item_bytes, e.eid, e.due, e.listed
from tk_label t cross join tk_entity e on e.eid = t.eid
where t.ns = :ns and t.kind = :kind and t.name = :name and t.value = :value and t.listed > :seen
  and e.prior > 0
  and (e.prior < :below or e.prior > :seen or (e.prior > :since and t.listed <= :top))
  and (e.expires is null or (e.expires > max(:now, e.updated) and ifnull(e.due, 0) <= e.expires))
  and not exists (select 1 from json_each(:others) o
                  where not exists (select 1 from tk_label x
                                    where x.ns = t.ns and x.kind = t.kind and x.name = o.key
                                      and x.value = o.value and x.listed = t.listed and x.eid = t.eid))
order by t.listed limit :limit;

-- name: label_count
select count(*) from (select 1 from tk_label
                      where ns = ? and kind = ? and name = ? and value = ? limit 1000);

-- name: newest_update
select max(updated) from (select updated from tk_entity order by eid desc limit 1000);

-- name: oldest_due
select min(due) from tk_entity where due is not null;
