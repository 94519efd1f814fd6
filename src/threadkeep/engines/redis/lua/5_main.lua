-- Running a batch; claiming what is over.

local function drop(now, tombstone)
  local gone = { H }
  for map in pairs(meta.m) do
    if not map_keys[map] then refuse('need', 'map', map) end
    insert(gone, map_keys[map])
  end
  for log in pairs(meta.l) do
    if not log_keys[log] then refuse('need', 'log', log) end
    insert(gone, log_keys[log][1])
    insert(gone, log_keys[log][2])
  end
  local stones, latest = {}, 0
  local all = call('HKEYS', H)
  for _, name in ipairs(all) do
    if name:byte() == 7 then
      local until_ = tonumber(call('HGET', H, name))
      if until_ > now then
        insert(stones, name)
        insert(stones, string.format('%.0f', until_))
        latest = math.max(latest, until_)
      end
    end
  end
  if tombstone then
    insert(stones, '\7' .. row.epoch)
    insert(stones, string.format('%.0f', now + DAY))
    latest = now + DAY
  end
  chunks(gone, 1, function(...) call('UNLINK', ...) end)
  call('ZREM', PLACES, ID)
  call('ZREM', ENDS, ID)
  call('ZREM', IDS, ID)
  chunks(label_members(labelled, row.was.listed), 1, function(...) call('ZREM', LABELS, ...) end)
  if #stones > 0 then
    chunks(stones, 2, function(...) call('HSET', H, ...) end)
    call('PEXPIREAT', H, string.format('%.0f', math.ceil(latest / 1000)))
  end
  row = nil
end

local function entity_due()
  if row.fields > 0 or row.items > 0 or next(labels) or row.fin then return nil end
  return row.updated + DAY
end

-- Drop the fields that have run out and find the next time to look. Not a change of the entity.
local function reclaim(now)
  local dead, first = {}, nil
  each_field(function(map, name, field)
    if not alive(field, now) then
      dead[map] = dead[map] or {}
      dead[map][name] = field
    elseif field.fin and not (first and first <= field.fin) then
      first = field.fin
    end
  end)
  for map, found in pairs(dead) do
    local count = 0
    for _, field in pairs(found) do
      count = count + 1
      if map:byte() ~= 35 then
        row.fields, row.field_bytes = row.fields - 1, row.field_bytes - field.size
      end
    end
    if map:byte() ~= 35 then count_map(map, -count) end
    remove_fields(map, found)
  end
  local ends = first or row.fin
  if first and row.fin then ends = math.min(first, row.fin) end
  if ends then row.due = ends elseif next(meta.l) then row.due = nil else row.due = entity_due() end
  if row.due and row.due <= now and not ends then
    drop(now, false)
    return
  end
  save(false)
  row.was = { listed = row.listed, due = row.fin and row.due }
  meta.dirty = nil
end

local function answer(code, failed, results)
  return { code, failed, row and row.revision or 0, row and row.epoch or '', results }
end

local function empties(ops)
  local results = {}
  for i, op in ipairs(ops) do
    if op.code == 'get' then results[i] = { {}, {} }
    elseif op.code == 'read' then results[i] = { 0, 0, 0, {}, {} }
    else results[i] = {} end
  end
  return results
end

local CODES = { failed = 0, done = 1, changed = 2, repeated = 3, over = 4, over_failed = 5, claimed = 7 }

-- An entity that has expired: for all but its claimant nothing stands there.
local function over(batch, now)
  if not row.due or row.due <= row.fin then
    row.due = row.fin + 1
    save(false)
  end
  local stood = row
  row = nil
  local code, failed, results = nil, -1, nil
  for i, guard in ipairs(batch.guards) do
    local lost = guard.code == 'claimed'
    if lost or not (batch.writes or holds(guard, now, false)) then
      failed = i - 1
      break
    end
  end
  if failed >= 0 then
    code, results = CODES.over_failed, empties(batch.otherwise)
  elseif batch.writes then
    code, results = CODES.over_failed, empties(batch.otherwise)
  else
    code, results = CODES.over, empties(batch.ops)
  end
  row = stood
  return { code, failed, 0, '', results }
end

local function renews(ops)
  for _, op in ipairs(ops) do
    if not op.writes and op.code ~= 'info' and op.renew ~= false then return true end
  end
  return false
end

-- Write the renewals that were called for, and the entity's own where `own`.
local function finish_reads(renewals, own, now)
  local latest = settle(renewals)
  if latest > 0 then expire(false, latest) end
  if not row or not renewals or not own then return end
  local fin = renewed(row.window, row.fin, now)
  if fin then
    row.fin = fin
    save(false)
  end
end

local function give_lease(ops, now, born)
  local given
  for _, op in ipairs(ops) do
    if op.code == 'touch' and op.map == '' and op.lease and (born or not op.birth) then given = op.lease end
  end
  if given then
    local fin
    row.window, fin = start(given, now)
    row.fin = fin and math.max(fin, now) or nil
  elseif row.window then
    row.fin = now + row.window
  end
end

local function least(...)
  local found
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    if value and not (found and found <= value) then found = value end
  end
  return found
end

local function write(batch, now, results, renewals)
  local born = row == nil
  if born then
    row = { created = now, updated = now, listed = 0, prior = 0, revision = 0, epoch = batch.epoch,
      fields = 0, field_bytes = 0, items = 0, item_bytes = 0, main = 0, stay = 0 }
  end
  local ops = batch.ops
  local stood = not born
  if not stood then
    local fresh = row
    row = nil
    begin_stage(now, 1, renewals)
    for i, op in ipairs(ops) do
      if STAGED[op.code] then results[i] = STAGED[op.code](op) end
    end
    row = fresh
  else
    begin_stage(now, row.revision + 1, renewals)
    for i, op in ipairs(ops) do
      if STAGED[op.code] then results[i] = STAGED[op.code](op) end
    end
  end
  local count = 0
  for name in pairs(labels) do count = count + (name:byte() ~= 35 and 1 or 0) end
  local all, had = #keys_of(labels), #keys_of(labelled)
  if count > batch.label_limit and all > had then refuse('limit', 'labels', count, batch.label_limit) end
  account(batch.field_limit)
  for _, op in ipairs(ops) do
    if op.log and op.writes then log_of(op.log) end -- a lost log is found before anything is written
  end
  local changed, adds = stage.changed or not same(labels, labelled), false
  for _, op in ipairs(ops) do
    adds = adds or (op.code == 'append' and #op.items > 0) or (op.code == 'restore' and (#op.raws > 0 or op.head > 0))
  end
  if born and (changed or adds) then row.listed = next_listed(now) end
  flush()
  for i, op in ipairs(ops) do
    if op.code == 'append' or op.code == 'cut' or op.code == 'restore' then
      local altered
      results[i], altered = write_log(op, now)
      changed = changed or altered
    end
  end
  if born and not changed then
    row = nil
    return { CODES.done, -1, 0, '', results }
  end
  give_lease(ops, now, born)
  local due = least(row.due, stage.due, row.fin)
  if due then row.due = due else row.due = entity_due() end
  if changed then
    row.revision, row.updated = row.revision + 1, now
    if now - row.listed >= GRAIN then row.prior, row.listed = row.listed, next_listed(now) end
  end
  local latest = stage.latest
  if batch.once ~= '' then
    local fin = now + ONCE
    local kept = cmsgpack.pack(results)
    put_field('#once', batch.once, { rev = row.revision, fin = fin, size = #kept }, kept)
    row.due = least(row.due, fin)
    latest = math.max(latest, fin)
  end
  latest = math.max(latest, settle(stage.renewals))
  save(born)
  expire(born, latest)
  if changed then redis.pcall(PUBLISH, CHANNEL, string.format('%.0f', row.revision)) end
  return answer(changed and CODES.changed or CODES.done, -1, results)
end

local function end_entity(batch, now, results)
  local stood = row ~= nil
  local count = stood and row.fields + row.items or 0
  if stood then
    drop(now, true)
    redis.pcall(PUBLISH, CHANNEL, '0')
  end
  results[batch.first] = count
  return { stood and CODES.changed or CODES.done, -1, 0, '', results }
end

-- Write to a claimed entity: its end, or marks that leave everything else as it is.
local function mark(batch, now, results)
  if batch.ops[batch.first].code == 'drop' then return end_entity(batch, now, results) end
  begin_stage(now, row.revision, {})
  for i, op in ipairs(batch.ops) do
    if STAGED[op.code] then results[i] = STAGED[op.code](op) end
  end
  stage.maps = {}
  flush()
  return answer(CODES.done, -1, results)
end

local function run(batch)
  load_entity()
  local now, claimed = clock, false
  if row then now = math.max(now, row.updated) end
  if row and is_over(now) then
    for _, guard in ipairs(batch.guards) do
      claimed = claimed or (guard.code == 'claimed' and guard.n == row.due)
    end
    if not claimed then return over(batch, now) end
    for _, op in ipairs(batch.ops) do
      local is_mark = op.code == 'set' and op.map:byte() == 35
      if op.writes and not is_mark and op.code ~= 'drop' then refuse('expired') end
    end
    now = math.max(row.updated, row.fin - 1)
  elseif row and row.due and row.due <= now then
    reclaim(now)
  end
  if row and batch.once ~= '' then
    local kept = fields_of('#once', { batch.once })[batch.once]
    if kept then
      local done = cmsgpack.unpack(value_of('#once', batch.once, kept))
      return { CODES.repeated, -1, kept.rev, row.epoch, done }
    end
  end
  local renewals
  if not claimed then renewals = {} end
  for i, guard in ipairs(batch.guards) do
    if not holds(guard, now, claimed) then
      local results = reads(batch.otherwise, now, renewals)
      finish_reads(renewals, row and renews(batch.otherwise), now)
      return answer(CODES.failed, i - 1, results)
    end
  end
  local results = reads(batch.ops, now, renewals)
  if not batch.writes then
    finish_reads(renewals, row and renews(batch.ops), now)
    return answer(CODES.done, -1, results)
  end
  if claimed then return mark(batch, now, results) end
  if batch.ops[batch.first].code == 'drop' then return end_entity(batch, now, results) end
  return write(batch, now, results, renewals)
end

-- Look after one entity: claim it when it is over, else reclaim, else forget it when empty.
local function tend(lease, token)
  load_entity()
  if not row then
    call('ZREM', ENDS, ID) -- and out of every list: the server forgot the entity by itself
    call('ZREM', PLACES, ID)
    call('ZREM', IDS, ID)
    return { CODES.done }
  end
  local now = math.max(clock, row.updated)
  if is_over(now) then
    now = math.max(now, row.fin + 1)
    local held = row.due and row.due > now
    if held and token ~= row.due then return { CODES.done } end
    if token and token ~= row.due then return { CODES.done } end
    row.due = now + lease
    save(false)
    return { CODES.claimed, row.epoch, row.due, row.fin }
  end
  if row.due and row.due <= now then
    reclaim(now)
  elseif row.fin and row.was.due then
    call('ZADD', ENDS, string.format('%.0f', row.due), ID)
  end
  return { CODES.done }
end
