-- One entity: its record, its fields and logs as they stand, and how they are written.
--
-- KEYS 1 the entity (hash)   2 places in listings (sorted set)   3 ends of leases (sorted set)
--      4 labels (sorted set)  5 ids (sorted set), then one key for each map of its own that ARGV
--      names and two for each log: its items (list) and their ids (hash). All in one slot.
-- ARGV the main map, the id, the channel of its watchers and the command to publish with, how many
--      shards there are and which this is, names of maps, names of logs, then the program; see
--      program.py, which writes it.
-- Returns an array that begins with a code; see reply.py, which reads it.
--
-- The entity's hash holds: "" its record; a field of the main map under its own name; what is hidden
-- under names that begin with a control character, which no name of a user does:
--   \1<field>          a long value, whose field then holds its header alone
--   \2                 logs (head, count, bytes) and maps of their own (count of fields)
--   \3                 labels
--   \6<map>\0<field>   a field of a map whose name begins with #
--   \7<epoch>          a tombstone: when it ends
-- Times are microseconds of the server. This program is a twin of engines/apply.py.

local call, insert, spack, sunpack = redis.call, table.insert, struct.pack, struct.unpack
local H, PLACES, ENDS, LABELS, IDS = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local DAY, ONCE, GRAIN = 86400000000, 600000000, 60000000
local CHUNK, LONG = 6000, 1000

local cursor = ARGV[1] == 'g' and 3 or 1
local function arg()
  cursor = cursor + 1
  return ARGV[cursor]
end
local function number()
  local text = arg()
  if text ~= '' then return tonumber(text) end
end
local function list()
  local found = {}
  for i = 1, tonumber(arg()) do found[i] = arg() end
  return found
end

local MAIN, ID, CHANNEL, PUBLISH = arg(), arg(), arg(), arg()
local SHARDS, SHARD = number(), number()
local map_keys, log_keys, used = {}, {}, 5
for _, name in ipairs(list()) do
  used = used + 1
  map_keys[name] = KEYS[used]
end
for _, name in ipairs(list()) do
  log_keys[name] = { KEYS[used + 1], KEYS[used + 2] }
  used = used + 2
end

local moment = call('TIME')
local clock = moment[1] * 1000000 + moment[2]

-- Refusals are thrown before anything is written and answered as they are.
local function refuse(...) error({ ... }) end

local function chunks(values, width, act)
  local size = CHUNK - CHUNK % width
  for from = 1, #values, size do
    act(unpack(values, from, math.min(from + size - 1, #values)))
  end
end

local ROW = '>BI4I7I7I7I7I3I6I4I6I3I3'

local function read_row(raw)
  local row, flags, at = {}, nil, nil
  flags, row.revision, row.created, row.updated, row.listed, row.prior, row.fields,
    row.field_bytes, row.items, row.item_bytes, row.main, row.stay, at = sunpack(ROW, raw)
  if flags % 2 >= 1 then row.window, at = sunpack('>I8', raw, at) end
  if flags % 4 >= 2 then row.fin, at = sunpack('>I8', raw, at) end
  if flags % 8 >= 4 then row.due, at = sunpack('>I8', raw, at) end
  row.epoch = raw:sub(at)
  row.was = { listed = row.listed, due = row.fin and row.due }
  return row
end

local function write_row(row)
  local flags = (row.window and 1 or 0) + (row.fin and 2 or 0) + (row.due and 4 or 0)
  local raw = spack(ROW, flags, row.revision, row.created, row.updated, row.listed, row.prior,
    row.fields, row.field_bytes, row.items, row.item_bytes, row.main, row.stay)
  for _, value in ipairs({ row.window or false, row.fin or false, row.due or false }) do
    if value then raw = raw .. spack('>I8', value) end
  end
  return raw .. row.epoch
end

-- A field is its header, then its value. Header: a byte that tells what follows, the revision,
-- the end, the window (in seconds where it is whole seconds), linked names, the size of a value
-- that stands elsewhere or was left out.
local function read_field(raw)
  local tag, field, at, size = nil, {}, nil, nil
  tag, field.rev, at = sunpack('>BI4', raw)
  if tag % 2 >= 1 then field.fin, at = sunpack('>I8', raw, at) end
  if tag % 4 >= 2 then
    field.window, at = sunpack('>I8', raw, at)
  elseif tag % 8 >= 4 then
    field.window, at = sunpack('>I4', raw, at)
    field.window = field.window * 1000000
  end
  if tag % 16 >= 8 then
    size, at = sunpack('>I4', raw, at)
    field.refs, at = raw:sub(at, at + size - 1), at + size
  end
  if tag % 32 >= 16 then
    field.size, at = sunpack('>I4', raw, at)
    field.apart = true
  else
    field.size = #raw - at + 1
  end
  field.raw, field.at = raw, at
  return field
end

local function header(field, apart)
  local seconds = field.window and field.window % 1000000 == 0 and field.window < 4e15
  local tag = (field.fin and 1 or 0) + (field.window and (seconds and 4 or 2) or 0)
    + (field.refs and 8 or 0) + (apart and 16 or 0)
  local raw = spack('>BI4', tag, field.rev)
  if field.fin then raw = raw .. spack('>I8', field.fin) end
  if seconds then
    raw = raw .. spack('>I4', field.window / 1000000)
  elseif field.window then
    raw = raw .. spack('>I8', field.window)
  end
  if field.refs then raw = raw .. spack('>I4', #field.refs) .. field.refs end
  if apart then raw = raw .. spack('>I4', field.size) end
  return raw
end

-- Where the fields of a map stand: key and what their names begin with.
local function place(map)
  if map == MAIN then return H, '' end
  if map:byte() == 35 then return H, '\6' .. map .. '\0' end
  if not map_keys[map] then refuse('need', 'map', map) end
  return map_keys[map], ''
end

local row, meta, labels, labelled

local function load_entity()
  local found = call('HMGET', H, '', '\2', '\3')
  row = found[1] and read_row(found[1]) or nil
  meta = found[2] and cmsgpack.unpack(found[2]) or { l = {}, m = {} }
  labels = found[3] and cmsgpack.unpack(found[3]) or {}
  labelled = {}
  for name, value in pairs(labels) do labelled[name] = value end
end

local function value_of(map, name, field)
  if not field.apart then return field.raw:sub(field.at) end
  local key, prefix = place(map)
  local value = call('HGET', key, '\1' .. prefix .. name)
  if not value then refuse('lost', 'value', name) end
  return value
end

local function fields_of(map, names)
  local found = {}
  if not row or #names == 0 or (map ~= MAIN and map:byte() ~= 35 and not meta.m[map]) then
    return found
  end
  local key, prefix = place(map)
  for from = 1, #names, CHUNK do
    local asked, upto = {}, math.min(from + CHUNK - 1, #names)
    for i = from, upto do insert(asked, prefix .. names[i]) end
    for i, raw in ipairs(call('HMGET', key, unpack(asked))) do
      if raw then found[names[from + i - 1]] = read_field(raw) end
    end
  end
  return found
end

local function begins(text, prefix) return text:sub(1, #prefix) == prefix end

local function select_of(map, wanted)
  local found = {}
  if not row or (map ~= MAIN and map:byte() ~= 35 and not meta.m[map]) then return found end
  local key, prefix = place(map)
  local all = call('HGETALL', key)
  for i = 1, #all, 2 do
    local name = all[i]
    local mine = prefix == '' and name ~= '' and name:byte() > 31
    if prefix ~= '' and begins(name, prefix) then mine, name = true, name:sub(#prefix + 1) end
    if mine and (not wanted or begins(name, wanted)) then found[name] = read_field(all[i + 1]) end
  end
  return found
end

-- Call act(map, name, field) for every field of the entity, those of hidden maps too.
local function each_field(act)
  local all = call('HGETALL', H)
  for i = 1, #all, 2 do
    local name = all[i]
    local first = name:byte()
    if first and first > 31 then
      act(MAIN, name, read_field(all[i + 1]))
    elseif first == 6 then
      local stop = name:find('\0', 1, true)
      act(name:sub(2, stop - 1), name:sub(stop + 1), read_field(all[i + 1]))
    end
  end
  for map in pairs(meta.m) do
    for name, field in pairs(select_of(map)) do act(map, name, field) end
  end
end

local function put_field(map, name, field, value)
  local key, prefix = place(map)
  if #value > LONG then
    call('HSET', key, prefix .. name, header(field, true), '\1' .. prefix .. name, value)
  else
    if field.had then call('HDEL', key, '\1' .. prefix .. name) end
    call('HSET', key, prefix .. name, header(field, false) .. value)
  end
end

local function remove_fields(map, names)
  local key, prefix = place(map)
  local gone = {}
  for name, field in pairs(names) do
    insert(gone, prefix .. name)
    if field.apart then insert(gone, '\1' .. prefix .. name) end
  end
  chunks(gone, 1, function(...) call('HDEL', key, ...) end)
end

local function move_end(map, name, field, fin)
  local key, prefix = place(map)
  field.fin = fin
  local value = field.apart and '' or field.raw:sub(field.at)
  call('HSET', key, prefix .. name, header(field, field.apart) .. value)
end
