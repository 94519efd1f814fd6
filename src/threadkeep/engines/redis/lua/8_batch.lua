-- Running a batch.

function E.answer(code, failed, results)
  return { code, failed, E.row and E.row.revision or 0, E.row and E.row.epoch or '', results }
end

function E.empties(ops, now)
  local results = {}
  for i, op in ipairs(ops) do
    if op.code == 'get' then results[i] = { {}, {} }
    elseif op.code == 'read' then results[i] = { 0, 0, 0, {}, {} }
    elseif op.code == 'now' then results[i] = E.read_now(now)
    else results[i] = {} end
  end
  return results
end

E.CODES = { failed = 0, done = 1, changed = 2, repeated = 3, over = 4, over_failed = 5, claimed = 7 }

-- An entity that has expired: for all but its claimant nothing stands there.
function E.over(batch, now)
  if not E.row.due or E.row.due <= E.row.fin then
    E.row.due = E.row.fin + 1
    E.save(false)
  end
  local stood = E.row
  E.row = nil
  local code, failed, results = nil, -1, nil
  for i, guard in ipairs(batch.guards) do
    local lost = guard.code == 'claimed'
    if lost or not (batch.writes or E.holds(guard, now, false)) then
      failed = i - 1
      break
    end
  end
  if failed >= 0 then
    code, results = E.CODES.over_failed, E.empties(batch.otherwise, now)
  elseif batch.writes then
    code, results = E.CODES.over_failed, E.empties(batch.otherwise, now)
  else
    code, results = E.CODES.over, E.empties(batch.ops, now)
  end
  E.row = stood
  return { code, failed, 0, '', results }
end

function E.renews(ops)
  for _, op in ipairs(ops) do
    if not op.writes and op.code ~= 'info' and op.code ~= 'now' and op.renew ~= false then return true end
  end
  return false
end

-- Write the renewals that were called for, and the entity's own where `own`.
function E.finish_reads(renewals, own, now)
  local latest = E.settle(renewals)
  if latest > 0 then E.expire(false, latest) end
  if not E.row or not renewals or not own then return end
  local fin = E.renewed(E.row.window, E.row.fin, now)
  if fin then
    E.row.fin = fin
    E.save(false)
  end
end

function E.give_lease(ops, now, born)
  local given
  for _, op in ipairs(ops) do
    if op.code == 'touch' and op.map == '' and op.lease and (born or not op.birth) then given = op.lease end
  end
  if given then
    local fin
    E.row.window, fin = E.start(given, now)
    E.row.fin = fin and math.max(fin, now) or nil
  elseif E.row.window then
    E.row.fin = now + E.row.window
  end
end

function E.least(...)
  local found
  for i = 1, select('#', ...) do
    local value = select(i, ...)
    if value and not (found and found <= value) then found = value end
  end
  return found
end

function E.write(batch, now, results, renewals)
  local born = E.row == nil
  if born then
    E.row = { created = now, updated = now, listed = 0, prior = 0, revision = 0, epoch = batch.epoch,
      fields = 0, field_bytes = 0, items = 0, item_bytes = 0, main = 0, stay = 0 }
  end
  local ops = batch.ops
  local stood = not born
  if not stood then
    local fresh = E.row
    E.row = nil
    E.begin_stage(now, 1, renewals)
    for i, op in ipairs(ops) do
      if E.STAGED[op.code] then results[i] = E.STAGED[op.code](op) end
    end
    E.row = fresh
  else
    E.begin_stage(now, E.row.revision + 1, renewals)
    for i, op in ipairs(ops) do
      if E.STAGED[op.code] then results[i] = E.STAGED[op.code](op) end
    end
  end
  local count = 0
  for name in pairs(E.labels) do count = count + (name:byte() ~= 35 and 1 or 0) end
  local all, had = #E.keys_of(E.labels), #E.keys_of(E.labelled)
  if count > E.MOST_LABELS and all > had then E.refuse('limit', 'labels', count, E.MOST_LABELS) end
  E.account(E.MOST_FIELDS)
  for _, op in ipairs(ops) do
    if op.log and op.writes then E.log_of(op.log) end -- a lost log is found before anything is written
  end
  local changed, adds = E.stage.changed or not E.same(E.labels, E.labelled), false
  for _, op in ipairs(ops) do
    adds = adds or (op.code == 'append' and #op.items > 0) or (op.code == 'restore' and (#op.raws > 0 or op.head > 0))
  end
  if born and (changed or adds) then E.row.listed = E.next_listed(now) end
  E.flush()
  for i, op in ipairs(ops) do
    if op.code == 'append' or op.code == 'cut' or op.code == 'restore' then
      local altered
      results[i], altered = E.write_log(op, now)
      changed = changed or altered
    end
  end
  if born and not changed then
    E.row = nil
    return { E.CODES.done, -1, 0, '', results }
  end
  E.give_lease(ops, now, born)
  local due = E.least(E.row.due, E.stage.due, E.row.fin)
  if due then E.row.due = due else E.row.due = E.entity_due() end
  if E.meta.s then
    local first = E.least(E.meta.s.first > 0 and E.meta.s.first or nil, E.stage.due, batch.once ~= '' and now + E.ONCE or nil)
    E.meta.s.first, E.dirty = first or 0, true
  end
  E.row.renew = E.least(E.row.renew, E.stage.renew)
  if changed then
    E.row.revision, E.row.updated = E.row.revision + 1, now
    if now - E.row.listed >= E.GRAIN then E.row.prior, E.row.listed = E.row.listed, E.next_listed(now) end
  end
  local latest = E.stage.latest
  if batch.once ~= '' then
    local fin = now + E.ONCE
    local kept = cmsgpack.pack(results)
    E.put_field('#once', batch.once, { rev = E.row.revision, fin = fin, size = #kept }, kept)
    E.row.due = E.least(E.row.due, fin)
    latest = math.max(latest, fin)
  end
  latest = math.max(latest, E.settle(E.stage.renewals))
  E.save(born)
  E.expire(born, latest)
  if changed then redis.pcall(E.PUBLISH, E.CHANNEL, string.format('%.0f', E.row.revision)) end
  return E.answer(changed and E.CODES.changed or E.CODES.done, -1, results)
end

function E.end_entity(batch, now, results)
  local stood = E.row ~= nil
  local count = stood and E.row.fields + E.row.items or 0
  if stood then
    E.drop(now, true)
    redis.pcall(E.PUBLISH, E.CHANNEL, '0')
  end
  results[batch.first] = count
  return { stood and E.CODES.changed or E.CODES.done, -1, 0, '', results }
end

-- Write to a claimed entity: its end, or marks that leave everything else as it is.
function E.mark(batch, now, results)
  if batch.ops[batch.first].code == 'drop' then return E.end_entity(batch, now, results) end
  E.begin_stage(now, E.row.revision, {})
  for i, op in ipairs(batch.ops) do
    if E.STAGED[op.code] then results[i] = E.STAGED[op.code](op) end
  end
  E.stage.maps = {}
  E.flush()
  return E.answer(E.CODES.done, -1, results)
end

function E.run(batch)
  E.load_entity()
  local now, claimed = E.clock, false
  if E.row then now = math.max(now, E.row.updated) end
  if E.row and E.is_over(now) then
    for _, guard in ipairs(batch.guards) do
      claimed = claimed or (guard.code == 'claimed' and guard.n == E.row.due)
    end
    if not claimed then return E.over(batch, now) end
    for _, op in ipairs(batch.ops) do
      local is_mark = op.code == 'set' and op.map:byte() == 35
      if op.writes and not is_mark and op.code ~= 'drop' then E.refuse('expired') end
    end
    now = math.max(E.row.updated, E.row.fin - 1)
  elseif E.row and E.row.due and E.row.due <= now then
    E.reclaim(now)
  end
  if E.row and batch.once ~= '' then
    local kept = E.fields_of('#once', { batch.once })[batch.once]
    if kept then
      local done = cmsgpack.unpack(E.value_of('#once', batch.once, kept))
      return { E.CODES.repeated, -1, kept.rev, E.row.epoch, done }
    end
  end
  local renewals
  if not claimed then renewals = {} end
  for i, guard in ipairs(batch.guards) do
    if not E.holds(guard, now, claimed) then
      local results = E.reads(batch.otherwise, now, renewals)
      E.finish_reads(renewals, E.row and E.renews(batch.otherwise), now)
      return E.answer(E.CODES.failed, i - 1, results)
    end
  end
  local results = E.reads(batch.ops, now, renewals)
  if not batch.writes then
    E.finish_reads(renewals, E.row and E.renews(batch.ops), now)
    return E.answer(E.CODES.done, -1, results)
  end
  if claimed then return E.mark(batch, now, results) end
  if batch.ops[batch.first].code == 'drop' then return E.end_entity(batch, now, results) end
  return E.write(batch, now, results, renewals)
end
