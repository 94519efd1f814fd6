-- Reads, guards, and what has run out.

local function renewed(window, fin, now)
  if not window or not fin then return nil end
  local target = now + window
  if (target - fin) * 16 > window then return target end
end

local function is_over(now)
  return row.fin and (row.fin <= now or (row.due and row.due > row.fin))
end

local function alive(field, now)
  if field and not (field.fin and field.fin <= now) then return field end
end

local function living(found, now)
  for name, field in pairs(found) do
    if not alive(field, now) then found[name] = nil end
  end
  return found
end

-- renewals: map -> name -> new end; nil where nothing is renewed
local function note(renewals, map, found, now, exact)
  if not renewals then return end
  for name, field in pairs(found) do
    if field.window then
      local fin = exact and now + field.window or renewed(field.window, field.fin, now)
      if fin and fin ~= field.fin then
        renewals[map] = renewals[map] or {}
        renewals[map][name] = { field, fin }
      end
    end
  end
end

local function shown(map, name, field, values)
  if not values then return header(field, true) end
  if field.apart then return field.raw .. value_of(map, name, field) end
  return field.raw
end

local function flat(map, found, values)
  local result = {}
  for name, field in pairs(found) do
    insert(result, name)
    insert(result, shown(map, name, field, values))
  end
  return result
end

-- refs: names with their lengths in front, as a field or item carries them
local function names_in(refs, into, known)
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

local function linked(map, names, now, renew, renewals)
  if map == '' or #names == 0 then return {} end
  local found = living(fields_of(map, names), now)
  if renew then note(renewals, map, found, now) end
  return flat(map, found, true)
end

local function read_get(op, now, renewals)
  if not row then return { {}, {} } end
  local found = op.names and fields_of(op.map, op.names) or select_of(op.map, op.prefix)
  living(found, now)
  if op.renew then note(renewals, op.map, found, now) end
  local names, known = {}, {}
  if op.refs ~= '' then
    for _, field in pairs(found) do
      if field.refs then names_in(field.refs, names, known) end
    end
  end
  return { flat(op.map, found, op.values), linked(op.refs, names, now, op.renew, renewals) }
end

-- An item: number, time, id, linked names, value.
local function read_item(raw)
  local item, at, size = {}, nil, nil
  item.seq, item.at, size, at = sunpack('>I6I7I2', raw)
  item.id, at = raw:sub(at, at + size - 1), at + size
  size, at = sunpack('>I4', raw, at)
  item.refs, at = raw:sub(at, at + size - 1), at + size
  item.size, item.head, item.raw = #raw - at + 1, at - 1, raw
  return item
end

local function log_of(name)
  local found = meta.l[name]
  if not found then return nil end
  local keys = log_keys[name]
  if not keys then refuse('need', 'log', name) end
  local log = { head = found[1], count = found[2], bytes = found[3], name = name, list = keys[1], ids = keys[2] }
  if call('LLEN', log.list) ~= log.count then refuse('lost', 'log', name) end
  return log
end

local function seq_at(log, index) return sunpack('>I6', call('LINDEX', log.list, index)) end

-- The index of the first item whose number is at least seq.
local function index_of(log, seq)
  if log.count == 0 then return 0 end
  local low, high = 0, log.count
  local first = seq_at(log, 0)
  if seq <= first then return 0 end
  if seq > log.head then return log.count end
  if log.head - first + 1 == log.count then return seq - first end
  while low < high do
    local middle = math.floor((low + high) / 2)
    if seq_at(log, middle) < seq then low = middle + 1 else high = middle end
  end
  return low
end

local function seqs_of(log, ids)
  local found = {}
  if log.count == 0 then return found end
  for from = 1, #ids, CHUNK do
    local upto = math.min(from + CHUNK - 1, #ids)
    for i, seq in ipairs(call('HMGET', log.ids, unpack(ids, from, upto))) do
      if seq then found[ids[from + i - 1]] = tonumber(seq) end
    end
  end
  return found
end

local function items_at(log, seqs)
  local found = {}
  table.sort(seqs)
  for _, seq in ipairs(seqs) do
    local raw = call('LINDEX', log.list, index_of(log, seq))
    if raw and sunpack('>I6', raw) == seq then insert(found, raw) end
  end
  return found
end

local function items_of(log, op)
  if op.ids then
    local seqs = {}
    for _, seq in pairs(seqs_of(log, op.ids)) do insert(seqs, seq) end
    return items_at(log, seqs)
  end
  if op.limit == 0 or log.count == 0 then return {} end
  local low = index_of(log, op.after + 1)
  local high = op.before and index_of(log, op.before) or log.count
  if op.limit and high - low > op.limit then
    if op.newest then low = high - op.limit else high = low + op.limit end
  end
  if low >= high then return {} end
  return call('LRANGE', log.list, low, high - 1)
end

local function read_log(op, now, renewals)
  local log = row and log_of(op.log)
  if not log then return { 0, 0, 0, {}, {} } end
  local items = items_of(log, op)
  local names, known = {}, {}
  for i, raw in ipairs(items) do
    if op.refs ~= '' or not op.values then
      local item = read_item(raw)
      if op.refs ~= '' then names_in(item.refs, names, known) end
      if not op.values then items[i] = raw:sub(1, item.head) .. spack('>I4', item.size) end
    end
  end
  return { log.head, log.count, log.bytes, items, linked(op.refs, names, now, true, renewals) }
end

local function keys_of(found)
  local names = {}
  for name in pairs(found) do insert(names, name) end
  return names
end

local function pairs_of(found)
  local result = {}
  for name, value in pairs(found) do
    insert(result, name)
    insert(result, value)
  end
  return result
end

local function read_info(now)
  if not row then return {} end
  local maps, logs = keys_of(meta.m), keys_of(meta.l)
  if row.main > 0 then insert(maps, MAIN) end
  if #maps + #logs == 0 and not next(labels) and not row.fin then return {} end
  local fields, bytes = row.fields, row.field_bytes + row.item_bytes
  local claimed = row.fin and row.due and row.due > row.fin
  if claimed or (row.due and row.due <= now) then
    each_field(function(map, _, field)
      if map:byte() ~= 35 and not alive(field, now) then
        fields, bytes = fields - 1, bytes - field.size
      end
    end)
  end
  return { row.created, row.updated, row.revision, row.epoch, row.window or -1, row.fin or -1,
    pairs_of(labels), fields, row.items, bytes, logs, maps }
end

local function read_op(op, now, renewals)
  if op.code == 'get' then return read_get(op, now, renewals) end
  if op.code == 'read' then return read_log(op, now, renewals) end
  return read_info(now)
end

local function reads(ops, now, renewals)
  local results = {}
  for i, op in ipairs(ops) do
    if not op.writes then results[i] = read_op(op, now, renewals) end
  end
  return results
end

local function holds(guard, now, claimed)
  if guard.code == 'epoch' then
    if row then return row.epoch == guard.epoch end
    local stone = call('HGET', H, '\7' .. guard.epoch)
    return not (stone and tonumber(stone) > now)
  end
  if guard.code == 'claimed' then return claimed end
  if guard.code == 'revision' then
    if guard.n == 0 and row then return #read_info(now) == 0 end
    return (row and row.revision or 0) == guard.n
  end
  if guard.code == 'head' then
    local log = row and meta.l[guard.log]
    return (log and log[1] or 0) == guard.n
  end
  local field = alive(fields_of(guard.map, { guard.field })[guard.field], now)
  if guard.code == 'missing' then return not field end
  return field ~= nil and field.rev == guard.n
end
