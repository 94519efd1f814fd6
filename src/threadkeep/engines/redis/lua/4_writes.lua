-- The writes of a batch: fields are staged and checked before the first of them is done, logs after.

local stage

local function begin_stage(now, revision, renewals)
  stage = { now = now, revision = revision, old = {}, new = {}, renewals = renewals,
    latest = 0, changed = false }
end

-- The fields of these names as the batch has left them so far: living ones only.
local function look(map, names)
  local new, old, ask, found = stage.new[map] or {}, stage.old[map] or {}, {}, {}
  stage.old[map] = old
  for _, name in ipairs(names) do
    if new[name] == nil and old[name] == nil then insert(ask, name) end
  end
  local stored = fields_of(map, ask)
  for _, name in ipairs(ask) do old[name] = stored[name] or false end
  for _, name in ipairs(names) do
    local field = new[name]
    if field == nil then field = old[name] end
    found[name] = field and alive(field, stage.now) or nil
  end
  return found
end

local function look_all(map, prefix)
  local found, old = select_of(map, prefix), stage.old[map] or {}
  stage.old[map] = old
  for name, field in pairs(found) do old[name] = field end
  for name, field in pairs(stage.new[map] or {}) do
    if not prefix or begins(name, prefix) then found[name] = field or nil end
  end
  return living(found, stage.now)
end

local function put(map, name, field)
  stage.new[map] = stage.new[map] or {}
  stage.new[map][name] = field
  stage.changed = true
  if not field or not field.fin then return end
  if not stage.due or field.fin < stage.due then stage.due = field.fin end
  stage.latest = math.max(stage.latest, field.fin)
end

local function start(lease, now)
  if lease.window and not lease.fin then return lease.window, now + lease.window end
  return lease.window, lease.fin
end

local function make(value, window, fin, refs)
  return { rev = stage.revision, window = window, fin = fin, refs = refs, size = #value, value = value }
end

local function stage_set(op)
  local standing = look(op.map, op.names)
  local window, fin = start(op.lease, stage.now)
  local skipped = {}
  for i, name in ipairs(op.names) do
    if op.absent_only and standing[name] then
      insert(skipped, name)
    else
      put(op.map, name, make(op.values[i], window, fin, op.refs[name]))
    end
  end
  return skipped
end

local function stage_delete(op)
  local standing = op.names and look(op.map, op.names) or look_all(op.map, op.prefix)
  local gone = keys_of(standing)
  for _, name in ipairs(gone) do put(op.map, name, false) end
  return gone
end

local function stage_increment(op)
  local field = look(op.map, { op.field })[op.field]
  local value = field and (field.value or value_of(op.map, op.field, field))
  local sum, why = increased(value, op.by)
  if not sum then refuse('number', why, op.field) end
  local window, fin = start(op.lease, stage.now)
  if field and op.keep then
    window, fin = field.window, field.fin
    if window then fin = stage.now + window end
  end
  put(op.map, op.field, make('j' .. sum, window, fin, field and field.refs))
  return sum
end

local function stage_touch(op)
  if op.map == '' then return 0 end
  local standing = op.names and look(op.map, op.names) or look_all(op.map)
  note(stage.renewals, op.map, standing, stage.now, true)
  local count = 0
  for _, field in pairs(standing) do
    if field.window then count = count + 1 end
  end
  return count
end

local function stage_labels(op)
  for i = 1, #op.pairs, 2 do labels[op.pairs[i]] = op.pairs[i + 1] end
  for _, name in ipairs(op.gone) do labels[name] = nil end
  return pairs_of(labels)
end

local STAGED = { set = stage_set, del = stage_delete, incr = stage_increment, touch = stage_touch, label = stage_labels }

-- Bring the counts of the record up to date with what is staged.
local function account(limit)
  local fields, bytes = row.fields, row.field_bytes
  stage.maps = {}
  for map, new in pairs(stage.new) do
    local count, hidden = 0, map:byte() == 35
    for name, field in pairs(new) do
      local before = stage.old[map] and stage.old[map][name] or false
      count = count + (field and 1 or 0) - (before and 1 or 0)
      row.stay = row.stay + ((field and not field.fin) and 1 or 0) - ((before and not before.fin) and 1 or 0)
      if not hidden then
        bytes = bytes + (field and field.size or 0) - (before and before.size or 0)
      end
    end
    if not hidden then
      fields = fields + count
      stage.maps[map] = count
    end
  end
  if fields > limit and fields > row.fields then refuse('limit', 'fields', fields, limit) end
  row.fields, row.field_bytes = fields, bytes
end

local function count_map(map, count)
  if map == MAIN then
    row.main = row.main + count
  else
    meta.m[map] = (meta.m[map] or 0) + count
    if meta.m[map] <= 0 then meta.m[map] = nil end
    meta.dirty = true
  end
end

local function flush()
  for map, new in pairs(stage.new) do
    local old, gone = stage.old[map] or {}, {}
    if stage.maps[map] and stage.maps[map] ~= 0 then count_map(map, stage.maps[map]) end
    for name, field in pairs(new) do
      local before = old[name]
      if field then
        field.had = before and before.apart
        put_field(map, name, field, field.value)
      elseif before then
        gone[name] = before
      end
      if stage.renewals[map] then stage.renewals[map][name] = nil end
    end
    remove_fields(map, gone)
  end
end

local function settle(renewals)
  local latest = 0
  for map, found in pairs(renewals or {}) do
    for name, pair in pairs(found) do
      move_end(map, name, pair[1], pair[2])
      latest = math.max(latest, pair[2])
    end
  end
  return latest
end

-- Logs

local function push(log, items)
  chunks(items, 1, function(...) call('RPUSH', log.list, ...) end)
end

local function note_ids(log, items)
  local found = {}
  for _, raw in ipairs(items) do
    local item = read_item(raw)
    if item.id ~= '' then
      insert(found, item.id)
      insert(found, string.format('%.0f', item.seq))
    end
  end
  chunks(found, 2, function(...) call('HSET', log.ids, ...) end)
end

local function forget_ids(log, items)
  local found = {}
  for _, raw in ipairs(items) do
    local id = read_item(raw).id
    if id ~= '' then insert(found, id) end
  end
  chunks(found, 1, function(...) call('HDEL', log.ids, ...) end)
end

local function append(log, op, now)
  local asked, known = {}, {}
  for _, id in ipairs(op.ids) do
    if id ~= '' then insert(asked, id) end
  end
  known = seqs_of(log, asked)
  local seqs, skipped, fresh = {}, {}, {}
  for i, tail in ipairs(op.items) do
    local id = op.ids[i] or ''
    if id ~= '' and known[id] then
      insert(skipped, id)
      insert(seqs, known[id])
    else
      log.head = log.head + 1
      if id ~= '' then known[id] = log.head end
      insert(seqs, log.head)
      insert(fresh, spack('>I6I7', log.head, now) .. tail)
      log.count, log.bytes = log.count + 1, log.bytes + op.sizes[i]
    end
  end
  if #fresh > 0 then
    push(log, fresh)
    if #asked > 0 then note_ids(log, fresh) end
  end
  return { seqs, skipped }, #fresh > 0
end

local function cut(log, op)
  if log.count == 0 then return 0, false end
  local low, high = 0, log.count
  if op.before then
    high = index_of(log, op.before)
  elseif op.keep then
    high = math.max(0, log.count - op.keep)
  else
    low = math.max(0, log.count - op.newest)
  end
  if low >= high then return 0, false end
  for from = low, high - 1, CHUNK do
    local gone = call('LRANGE', log.list, from, math.min(from + CHUNK, high) - 1)
    for _, raw in ipairs(gone) do log.bytes = log.bytes - read_item(raw).size end
    if call('EXISTS', log.ids) == 1 then forget_ids(log, gone) end
  end
  if low > 0 then call('LTRIM', log.list, 0, low - 1) else call('LTRIM', log.list, high, -1) end
  log.count = log.count - (high - low)
  return high - low, true
end

local function restore(log, op)
  local by_seq, moved, old_head = {}, {}, log.head
  local ids = {}
  for _, raw in ipairs(op.raws) do
    local item = read_item(raw)
    by_seq[item.seq] = raw
    log.head = math.max(log.head, item.seq)
    if item.id ~= '' then
      insert(ids, item.id)
      ids[item.id] = item.seq
    end
  end
  log.head = math.max(log.head, op.head)
  for id, seq in pairs(seqs_of(log, ids)) do
    if seq ~= ids[id] then moved[seq] = true end
  end
  local all, gone = log.count > 0 and call('LRANGE', log.list, 0, -1) or {}, {}
  local kept, merged = {}, {}
  for _, raw in ipairs(all) do
    local item = read_item(raw)
    if moved[item.seq] or by_seq[item.seq] then
      insert(gone, raw)
      log.bytes = log.bytes - item.size
    else
      insert(kept, { item.seq, raw })
    end
  end
  for seq, raw in pairs(by_seq) do
    insert(kept, { seq, raw })
    log.bytes = log.bytes + read_item(raw).size
  end
  table.sort(kept, function(a, b) return a[1] < b[1] end)
  for i, pair in ipairs(kept) do merged[i] = pair[2] end
  forget_ids(log, gone)
  call('UNLINK', log.list)
  push(log, merged)
  note_ids(log, op.raws)
  log.count = #merged
  return #op.raws, #op.raws > 0 or log.head ~= old_head
end

local function open_log(name)
  local log = log_of(name)
  if log then return log end
  local keys = log_keys[name]
  call('UNLINK', keys[1], keys[2]) -- what an evicted entity may have left
  return { head = 0, count = 0, bytes = 0, name = name, list = keys[1], ids = keys[2] }
end

local function write_log(op, now)
  local log = open_log(op.log)
  local count, bytes, result, changed = log.count, log.bytes, nil, nil
  if op.code == 'append' then
    result, changed = append(log, op, now)
  elseif op.code == 'cut' then
    result, changed = cut(log, op)
  else
    result, changed = restore(log, op)
  end
  row.items = row.items + log.count - count
  row.item_bytes = row.item_bytes + log.bytes - bytes
  if changed then
    meta.l[op.log] = { log.head, log.count, log.bytes }
    meta.dirty = true
  end
  return result, changed
end

-- Indexes

local function label_members(found, listed)
  local result = {}
  for name, value in pairs(found) do
    insert(result, name .. '\0' .. value .. '\0' .. spack('>I8', 2 ^ 53 - listed) .. ID)
  end
  return result
end

local function next_listed(now)
  local top = call('ZREVRANGE', PLACES, 0, 0, 'WITHSCORES')[2]
  local place = math.floor(now / SHARDS) * SHARDS + SHARD
  if place < now then place = place + SHARDS end
  if top and tonumber(top) >= place then place = tonumber(top) + SHARDS end
  return place
end

local function same(a, b)
  for name, value in pairs(a) do
    if b[name] ~= value then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

local function index(born)
  local was = row.was or {}
  if was.listed ~= row.listed then call('ZADD', PLACES, string.format('%.0f', row.listed), ID) end
  if born then call('ZADD', IDS, 0, ID) end
  if was.listed ~= row.listed or not same(labels, labelled) then
    if was.listed then
      chunks(label_members(labelled, was.listed), 1, function(...) call('ZREM', LABELS, ...) end)
    end
    for _, member in ipairs(label_members(labels, row.listed)) do call('ZADD', LABELS, 0, member) end
    if next(labels) then call('HSET', H, '\3', cmsgpack.pack(labels)) else call('HDEL', H, '\3') end
  end
  local due = row.fin and row.due
  if due ~= was.due then
    if due then call('ZADD', ENDS, string.format('%.0f', due), ID) else call('ZREM', ENDS, ID) end
  end
end

local function save(born)
  if meta.dirty then
    if next(meta.l) or next(meta.m) then
      call('HSET', H, '\2', cmsgpack.pack({ l = meta.l, m = meta.m }))
    else
      call('HDEL', H, '\2')
    end
  end
  call('HSET', H, '', write_row(row))
  index(born)
end

-- The server forgets the hash by itself where it is all there is of the entity and all of it ends.
local function expire(born, latest)
  local alone = row.stay <= 0 and not row.fin and not next(meta.l) and not next(meta.m) and not next(labels)
  local left = born and -1 or call('PTTL', H)
  if not alone then
    if left >= 0 then call('PERSIST', H) end
  elseif latest > 0 and (born or left >= 0) then
    local fin = math.ceil(latest / 1000) + 1
    if born or fin > math.floor(clock / 1000) + left then
      call('PEXPIREAT', H, string.format('%.0f', fin))
    end
  end
end
