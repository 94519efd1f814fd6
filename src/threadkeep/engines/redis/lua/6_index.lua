-- The record and the indexes: places in listings, labels, ids, ends of leases.

function E.label_members(found, listed)
  local result = {}
  for name, value in pairs(found) do
    insert(result, name .. '\0' .. value .. '\0' .. spack('>I8', 2 ^ 53 - listed) .. E.ID)
  end
  return result
end

function E.next_listed(now)
  local top = call('ZREVRANGE', PLACES, 0, 0, 'WITHSCORES')[2]
  local place = math.floor(now / E.SHARDS) * E.SHARDS + E.SHARD
  if place < now then place = place + E.SHARDS end
  if top and tonumber(top) >= place then place = tonumber(top) + E.SHARDS end
  return place
end

function E.same(a, b)
  for name, value in pairs(a) do
    if b[name] ~= value then return false end
  end
  for name in pairs(b) do
    if a[name] == nil then return false end
  end
  return true
end

function E.index(born)
  local was = E.row.was or {}
  if was.listed ~= E.row.listed then call('ZADD', PLACES, string.format('%.0f', E.row.listed), E.ID) end
  if born then call('ZADD', IDS, 0, E.ID) end
  if was.listed ~= E.row.listed or not E.same(E.labels, E.labelled) then
    if was.listed then
      E.chunks(E.label_members(E.labelled, was.listed), 1, function(...) call('ZREM', LABELS, ...) end)
    end
    for _, member in ipairs(E.label_members(E.labels, E.row.listed)) do call('ZADD', LABELS, 0, member) end
    if next(E.labels) then call('HSET', H, '\3', cmsgpack.pack(E.labels)) else call('HDEL', H, '\3') end
  end
  local due = E.row.fin and E.row.due
  if due ~= was.due then
    if due then call('ZADD', ENDS, string.format('%.0f', due), E.ID) else call('ZREM', ENDS, E.ID) end
  end
end

function E.save(born)
  if not born then call('HDEL', H, '\5') end -- never there; a full server then takes what adds nothing
  if E.dirty then
    if next(E.meta.l) or next(E.meta.m) or E.meta.s then
      call('HSET', H, '\2', cmsgpack.pack(E.meta))
    else
      call('HDEL', H, '\2')
    end
  end
  call('HSET', H, '', packed(E.row, E.row.epoch))
  E.index(born)
end

-- The server forgets the hash by itself where it is all there is of the entity and all of it ends.
function E.expire(born, latest)
  local alone = E.row.stay <= 0 and not E.row.fin and not next(E.meta.l) and not next(E.meta.m) and not next(E.labels)
  local left = call('PTTL', H) -- of a newborn: that of the tombstone before it
  if not alone then
    if left >= 0 then call('PERSIST', H) end
  elseif latest > 0 and (born or left >= 0) then
    local fin = math.ceil(latest / 1000) + 1
    if left < 0 or fin > math.floor(E.clock / 1000) + left then
      call('PEXPIREAT', H, string.format('%.0f', fin))
    end
  end
end
