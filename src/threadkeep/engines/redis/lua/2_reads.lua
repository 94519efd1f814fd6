-- Reads, guards, and what has run out.

function E.renewed(window, fin, now) return window and fin and renewed(window, fin, now) end

function E.is_over(now) return is_over(E.row.fin, E.row.due, now) end

function E.alive(field, now)
  if field and not (field.fin and field.fin <= now) then return field end
end

function E.living(found, now)
  for name, field in pairs(found) do
    if not E.alive(field, now) then found[name] = nil end
  end
  return found
end

-- renewals: map -> name -> new end; nil where nothing is renewed
function E.note(renewals, map, found, now, exact)
  if not renewals then return end
  for name, field in pairs(found) do
    if field.window then
      local fin = exact and now + field.window or E.renewed(field.window, field.fin, now)
      if fin and fin ~= field.fin then
        renewals[map] = renewals[map] or {}
        renewals[map][name] = { field, fin }
      end
    end
  end
end

function E.shown(map, name, field, values)
  if not values then return E.header(field, true) end
  if field.token and MODE == 'r' then return field.raw end
  if field.apart then return field.raw .. E.value_of(map, name, field) end
  return field.raw
end

function E.flat(map, found, values)
  local result = {}
  for name, field in pairs(found) do
    insert(result, name)
    insert(result, E.shown(map, name, field, values))
  end
  return result
end

-- refs: names with their lengths in front, as a field or item carries them
function E.names_in(refs, into, known)
  local at, size = 1, nil
  while at <= #refs do
    size, at = sunpack('>I2', refs, at)
    local name = refs:sub(at, at + size - 1)
    at = at + size
    if not known[name] then
      known[name] = true
      insert(into, name)
    end
  end
end

function E.linked(map, names, now, renew, renewals)
  if map == '' or #names == 0 then return {} end
  local found = E.living(E.fields_of(map, names), now)
  if renew then E.note(renewals, map, found, now) end
  return E.flat(map, found, true)
end

function E.read_get(op, now, renewals)
  if not E.row then return { {}, {} } end
  local found = op.names and E.fields_of(op.map, op.names) or E.select_of(op.map, op.prefix)
  E.living(found, now)
  if op.renew then E.note(renewals, op.map, found, now) end
  local names, known = {}, {}
  if op.refs ~= '' then
    for _, field in pairs(found) do
      if field.refs then E.names_in(field.refs, names, known) end
    end
  end
  return { E.flat(op.map, found, op.values), E.linked(op.refs, names, now, op.renew, renewals) }
end

-- An item: number, time, id, linked names, value.
function E.read_item(raw)
  local item, at, size = {}, nil, nil
  item.seq, item.at, size, at = sunpack('>I6I7I2', raw)
  item.id, at = raw:sub(at, at + size - 1), at + size
  size, at = sunpack('>I4', raw, at)
  local links, apart = at - 4, size >= 2147483648
  if apart then size = size - 2147483648 end
  item.refs, at = raw:sub(at, at + size - 1), at + size
  item.size, item.head, item.raw = #raw - at + 1, at - 1, raw
  if apart then
    item.token, item.size = raw:sub(at, at + 7), (sunpack('>I4', raw, at + 8))
    item.bare = raw:sub(1, links - 1) .. spack('>I4', size) .. item.refs
  end
  return item
end

function E.log_of(name)
  local found = E.meta.l[name]
  if not found then return nil end
  local keys = E.log_keys[name]
  if not keys then E.refuse('need', 'log', name) end
  local log = { head = found[1], count = found[2], bytes = found[3], name = name, list = keys[1], ids = keys[2] }
  if call('LLEN', log.list) ~= log.count then E.refuse('lost', 'log', name) end
  return log
end

function E.seq_at(log, index) return sunpack('>I6', call('LINDEX', log.list, index)) end

-- The index of the first item whose number is at least seq.
function E.index_of(log, seq)
  if log.count == 0 then return 0 end
  local low, high = 0, log.count
  local first = E.seq_at(log, 0)
  if seq <= first then return 0 end
  if seq > log.head then return log.count end
  if log.head - first + 1 == log.count then return seq - first end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if E.seq_at(log, middle) < seq then low = middle + 1 else high = middle end
  end
  return low
end

function E.seqs_of(log, ids)
  local found = {}
  if log.count == 0 then return found end
  for from = 1, #ids, E.CHUNK do
    local upto = math.min(from + E.CHUNK - 1, #ids)
    for i, seq in ipairs(call('HMGET', log.ids, unpack(ids, from, upto))) do
      if seq then found[ids[from + i - 1]] = tonumber(seq) end
    end
  end
  return found
end

function E.items_at(log, seqs)
  local found = {}
  table.sort(seqs)
  for _, seq in ipairs(seqs) do
    local raw = call('LINDEX', log.list, E.index_of(log, seq))
    if raw and sunpack('>I6', raw) == seq then insert(found, raw) end
  end
  return found
end

function E.items_of(log, op)
  if op.ids then
    local seqs = {}
    for _, seq in pairs(E.seqs_of(log, op.ids)) do insert(seqs, seq) end
    return E.items_at(log, seqs)
  end
  if op.limit == 0 or log.count == 0 then return {} end
  local low = E.index_of(log, op.after + 1)
  local high = op.before and E.index_of(log, op.before) or log.count
  if op.limit and high - low > op.limit then
    if op.newest then low = high - op.limit else high = low + op.limit end
  end
  if low >= high then return {} end
  return call('LRANGE', log.list, low, high - 1)
end

function E.read_log(op, now, renewals)
  local log = E.row and E.log_of(op.log)
  if not log then return { 0, 0, 0, {}, {} } end
  local items = E.items_of(log, op)
  local names, known = {}, {}
  for i, raw in ipairs(items) do
    if op.refs ~= '' or not op.values or MODE ~= 'r' then
      local item = E.read_item(raw)
      if item.token and op.values and MODE ~= 'r' then -- it may be gone after this batch
        local value = call('HGET', H, '\8' .. item.token)
        if not value then E.refuse('lost', 'item', op.log) end
        items[i] = item.bare .. value
      end
      if op.refs ~= '' then E.names_in(item.refs, names, known) end
      if not op.values then items[i] = raw:sub(1, item.head) .. spack('>I4', item.size) end
    end
  end
  return { log.head, log.count, log.bytes, items, E.linked(op.refs, names, now, true, renewals) }
end

function E.keys_of(found)
  local names = {}
  for name in pairs(found) do insert(names, name) end
  return names
end

function E.pairs_of(found)
  local result = {}
  for name, value in pairs(found) do
    insert(result, name)
    insert(result, value)
  end
  return result
end

function E.read_info(now)
  if not E.row then return {} end
  local maps, logs = E.keys_of(E.meta.m), E.keys_of(E.meta.l)
  if E.row.main > 0 then insert(maps, E.MAIN) end
  if #maps + #logs == 0 and not next(E.labels) and not E.row.fin then return {} end
  local fields, bytes = E.row.fields, E.row.field_bytes + E.row.item_bytes
  local claimed = E.row.fin and E.row.due and E.row.due > E.row.fin
  if claimed or (E.row.due and E.row.due <= now) then
    E.each_field(function(map, _, field)
      if map:byte() ~= 35 and not E.alive(field, now) then
        fields, bytes = fields - 1, bytes - field.size
      end
    end)
  end
  return { E.row.created, E.row.updated, E.row.revision, E.row.epoch, E.row.window or -1, E.row.fin or -1,
    E.pairs_of(E.labels), fields, E.row.items, bytes, logs, maps }
end

function E.read_now(now) return string.format('%.0f', now) end

function E.read_op(op, now, renewals)
  if op.code == 'get' then return E.read_get(op, now, renewals) end
  if op.code == 'read' then return E.read_log(op, now, renewals) end
  if op.code == 'now' then return E.read_now(now) end
  return E.read_info(now)
end

function E.reads(ops, now, renewals)
  local results = {}
  for i, op in ipairs(ops) do
    if not op.writes then results[i] = E.read_op(op, now, renewals) end
  end
  return results
end

function E.holds(guard, now, claimed)
  if guard.code == 'epoch' then
    if E.row then return E.row.epoch == guard.epoch end
    local stone = call('HGET', H, '\7' .. guard.epoch)
    return not (stone and tonumber(stone) > now)
  end
  if guard.code == 'claimed' then return claimed end
  if guard.code == 'revision' then
    if guard.n == 0 and E.row then return #E.read_info(now) == 0 end
    return (E.row and E.row.revision or 0) == guard.n
  end
  if guard.code == 'head' then
    local log = E.row and E.meta.l[guard.log]
    return (log and log[1] or 0) == guard.n
  end
  local field = E.alive(E.fields_of(guard.map, { guard.field })[guard.field], now)
  if guard.code == 'missing' then return not field end
  return field ~= nil and field.rev == guard.n
end

-- Move the ends that reads have called for; returns the latest.
function E.settle(renewals)
  local latest = 0
  if next(renewals or {}) then call('HDEL', H, '\5') end -- never there; a full server then takes what only moves an end
  for map, found in pairs(renewals or {}) do
    for name, pair in pairs(found) do
      E.move_end(map, name, pair[1], pair[2])
      latest = math.max(latest, pair[2])
    end
  end
  return latest
end
