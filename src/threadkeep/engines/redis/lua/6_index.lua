-- The record and the indexes: places in listings, labels, ids, ends of leases.

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
