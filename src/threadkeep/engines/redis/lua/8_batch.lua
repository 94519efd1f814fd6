-- Running a batch.

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
