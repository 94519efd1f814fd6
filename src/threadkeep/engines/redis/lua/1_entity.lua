-- One entity: its record, its fields and logs as they stand, and how they are written.
--
-- KEYS 1 the entity (hash)   2 places in listings (sorted set)   3 ends of leases (sorted set)
--      4 labels (sorted set)  5 ids (sorted set), then one key for each map of its own that ARGV
--      names and two for each log: its items (list) and their ids (hash). All in one slot.
-- ARGV what is asked (w a batch that writes, r one that only reads, i a look for a listing, t upkeep; s and p
--      have ARGV of their own, see 0_set.lua and 0_append.lua), the id, the channel of its watchers, what is the same for all
--      entities of the shard (main map, command to publish with, how many shards there are, which this
--      is, most fields, most labels), names of maps and logs, then the program; see program.py.
-- Returns an array that begins with a code; see reply.py, which reads it.
--
-- The entity's hash holds: "" its record; a field of the main map under its own name; what is hidden
-- under names that begin with a control character, which no name of a user does:
--   \1<field>          a long value, whose field then holds its header alone
--   \8<token>          a large value, which never passes through here (large.py); its field or item names it
--   \2                 logs (head, count, bytes) and maps of their own (count of fields)
--   \3                 labels
--   \6<map>\0<field>   a field of a map whose name begins with #
--   \7<epoch>          a tombstone: when it ends
-- Times are microseconds of the server. This program is a twin of engines/apply.py.

local PLACES, ENDS, LABELS, IDS = KEYS[2], KEYS[3], KEYS[4], KEYS[5]

-- Functions and what they share stand in one table. A script is defined anew at each call, and each
-- local that a function captures costs a walk over all that are captured: 80 us in all, else 20.
local E = { DAY = 86400000000, ONCE = 600000000, GRAIN = 60000000, CHUNK = 6000, LONG = 1000,
  MANY = 600, STRETCH = 100 }

E.cursor = 5
E.writes = MODE == 'w' or MODE == 's' or MODE == 'p'
function E.arg()
  E.cursor = E.cursor + 1
  return ARGV[E.cursor]
end
function E.number()
  local text = E.arg()
  if text ~= '' then return tonumber(text) end
end
function E.list()
  local found = {}
  for i = 1, tonumber(E.arg()) do found[i] = E.arg() end
  return found
end

E.ID, E.CHANNEL = ARGV[2], ARGV[3]
E.MAIN, E.PUBLISH, E.SHARDS, E.SHARD, E.MOST_FIELDS, E.MOST_LABELS = unpack(cmsgpack.unpack(ARGV[4]))
E.map_keys, E.log_keys = {}, {}
if MODE == 'p' then
  E.log_keys[ARGV[7]] = { KEYS[6], KEYS[7] }
elseif MODE ~= 's' and ARGV[5] ~= '' then
  local maps, logs = unpack(cmsgpack.unpack(ARGV[5]))
  for i, name in ipairs(maps) do E.map_keys[name] = KEYS[5 + i] end
  for i, name in ipairs(logs) do
    local used = 5 + #maps + 2 * i
    E.log_keys[name] = { KEYS[used - 1], KEYS[used] }
  end
end

local moment = call('TIME')
E.clock = moment[1] * 1000000 + moment[2]

-- Refusals are thrown before anything is written and answered as they are.
function E.refuse(...) error({ ... }) end

function E.chunks(values, width, act)
  local size = E.CHUNK - E.CHUNK % width
  for from = 1, #values, size do
    act(unpack(values, from, math.min(from + size - 1, #values)))
  end
end

function E.read_row(raw)
  local row, flags, at, _ = {}, nil, nil, nil
  flags, row.revision, row.created, row.updated, row.listed, row.fields, row.field_bytes = sunpack(ROW, raw)
  row.prior, row.main, row.stay = counts_in(raw, flags, row.fields)
  row.window, row.fin, row.due, row.renew, _, at = lease_in(raw, flags)
  row.epoch, row.items, row.item_bytes = raw:sub(at), 0, 0
  for _, log in pairs(E.meta.l) do
    row.items, row.item_bytes = row.items + log[2], row.item_bytes + log[3]
  end
  row.was = { listed = row.listed, due = row.fin and row.due }
  return row
end

-- A field is its header (00_short.lua) and what its tag says: linked names (8), the size of a value that stands
-- elsewhere or was left out (16), the token of a large one (32); then the value.
function E.read_field(raw)
  local tag, field, at, size = nil, {}, nil, nil
  tag, field.rev = sunpack('>BI4', raw)
  local _
  field.fin, field.window, _, at = lease_of(raw, tag)
  if tag % 16 >= 8 then
    size, at = sunpack('>I4', raw, at)
    field.refs, at = raw:sub(at, at + size - 1), at + size
  end
  if tag % 32 >= 16 then
    field.size, at = sunpack('>I4', raw, at)
    field.apart = true
    if tag % 64 >= 32 then field.token, at = raw:sub(at, at + 7), at + 8 end
  else
    field.size = #raw - at + 1
  end
  field.raw, field.at = raw, at
  return field
end

function E.header(field, apart)
  local tag = (field.refs and 8 or 0) + (apart and 16 or 0) + (apart and field.token and 32 or 0)
  local raw = header_of(tag, field.rev, field.fin, field.window)
  if field.refs then raw = raw .. spack('>I4', #field.refs) .. field.refs end
  if apart then raw = raw .. spack('>I4', field.size) .. (field.token or '') end
  return raw
end

-- Where the fields of a map stand: key and what their names begin with.
function E.place(map)
  if map == E.MAIN then return H, '' end
  if map:byte() == 35 then return H, '\6' .. map .. '\0' end
  if not E.map_keys[map] then E.refuse('need', 'map', map) end
  return E.map_keys[map], ''
end

function E.load_entity()
  local found = call('HMGET', H, '', '\2', '\3')
  E.meta = found[2] and cmsgpack.unpack(found[2]) or { l = {}, m = {} }
  E.row = found[1] and E.read_row(found[1]) or nil
  E.labels = found[3] and cmsgpack.unpack(found[3]) or {}
  E.labelled = {}
  for name, value in pairs(E.labels) do E.labelled[name] = value end
end

-- Where a value stands that is not with its field: key and field.
function E.apart(map, name, field)
  local key, prefix = E.place(map)
  return key, field.token and '\8' .. field.token or '\1' .. prefix .. name
end

-- Large values that came with the batch: token -> key; what is taken is taken out.
E.staged = {}
function E.take(token)
  if token then E.staged[token] = nil end
end
function E.leave()
  for token, key in pairs(E.staged) do call('HDEL', key, '\8' .. token) end
end

function E.value_of(map, name, field)
  if not field.apart then return field.raw:sub(field.at) end
  local value = call('HGET', E.apart(map, name, field))
  if not value then E.refuse('lost', 'value', name) end
  return value
end

function E.fields_of(map, names)
  local found = {}
  if not E.row or #names == 0 or (map ~= E.MAIN and map:byte() ~= 35 and not E.meta.m[map]) then
    return found
  end
  local key, prefix = E.place(map)
  for from = 1, #names, E.CHUNK do
    local asked, upto = {}, math.min(from + E.CHUNK - 1, #names)
    for i = from, upto do insert(asked, prefix .. names[i]) end
    for i, raw in ipairs(call('HMGET', key, unpack(asked))) do
      if raw then found[names[from + i - 1]] = E.read_field(raw) end
    end
  end
  return E.piles and E.sift(map, found) or found
end

function E.begins(text, prefix) return text:sub(1, #prefix) == prefix end

function E.select_of(map, wanted)
  local found = {}
  if not E.row or (map ~= E.MAIN and map:byte() ~= 35 and not E.meta.m[map]) then return found end
  local key, prefix = E.place(map)
  local all = call('HGETALL', key)
  for i = 1, #all, 2 do
    local name = all[i]
    local mine = prefix == '' and name ~= '' and name:byte() > 31
    if prefix ~= '' and E.begins(name, prefix) then mine, name = true, name:sub(#prefix + 1) end
    if mine and (not wanted or E.begins(name, wanted)) then found[name] = E.read_field(all[i + 1]) end
  end
  return E.piles and E.sift(map, found) or found
end

-- Call act(map, name, field) for every field of the entity, those of hidden maps too.
function E.each_field(act)
  local all = call('HGETALL', H)
  for i = 1, #all, 2 do
    local map, name = E.whose('', all[i])
    if map then act(map, name, E.read_field(all[i + 1])) end
  end
  for map in pairs(E.meta.m) do
    for name, field in pairs(E.select_of(map)) do act(map, name, field) end
  end
end

function E.put_field(map, name, field, value)
  local key, prefix = E.place(map)
  if field.had then call('HDEL', E.apart(map, name, field.had)) end
  if field.token then
    E.take(field.token)
    call('HSET', key, prefix .. name, E.header(field, true))
  elseif #value > E.LONG then
    call('HSET', key, prefix .. name, E.header(field, true), '\1' .. prefix .. name, value)
  else
    call('HSET', key, prefix .. name, E.header(field, false) .. value)
  end
end

function E.remove_fields(map, names)
  local key, prefix = E.place(map)
  local gone = {}
  for name, field in pairs(names) do
    insert(gone, prefix .. name)
    if field.apart then insert(gone, (select(2, E.apart(map, name, field)))) end
  end
  E.chunks(gone, 1, function(...) call('HDEL', key, ...) end)
end

function E.move_end(map, name, field, fin)
  local key, prefix = E.place(map)
  field.fin = fin
  local value = field.apart and '' or field.raw:sub(field.at)
  call('HSET', key, prefix .. name, E.header(field, field.apart) .. value)
end
