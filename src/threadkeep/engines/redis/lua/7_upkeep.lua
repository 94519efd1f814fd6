-- The end of an entity, and of what has run out in it.

function E.count_map(map, count)
  if map == E.MAIN then
    E.row.main = E.row.main + count
  else
    E.meta.m[map] = (E.meta.m[map] or 0) + count
    if E.meta.m[map] <= 0 then E.meta.m[map] = nil end
    E.dirty = true
  end
end

-- Remove a hash, but for large values that came with this very batch.
function E.wipe(key)
  local kept, gone = {}, {}
  for token, place in pairs(E.staged) do
    if place == key then kept['\8' .. token] = true end
  end
  if not next(kept) then return call('UNLINK', key) end
  for _, name in ipairs(call('HKEYS', key)) do
    if not kept[name] then insert(gone, name) end
  end
  E.chunks(gone, 1, function(...) call('HDEL', key, ...) end)
  call('PERSIST', key)
end

function E.drop(now, tombstone)
  local gone, hashes = {}, { H }
  for map in pairs(E.meta.m) do
    if not E.map_keys[map] then E.refuse('need', 'map', map) end
    insert(hashes, E.map_keys[map])
  end
  for log in pairs(E.meta.l) do
    if not E.log_keys[log] then E.refuse('need', 'log', log) end
    insert(gone, E.log_keys[log][1])
    insert(gone, E.log_keys[log][2])
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
    insert(stones, '\7' .. E.row.epoch)
    insert(stones, string.format('%.0f', now + E.DAY))
    latest = now + E.DAY
  end
  E.chunks(gone, 1, function(...) call('UNLINK', ...) end)
  for _, key in ipairs(hashes) do E.wipe(key) end
  call('ZREM', PLACES, E.ID)
  call('ZREM', ENDS, E.ID)
  call('ZREM', IDS, E.ID)
  E.chunks(E.label_members(E.labelled, E.row.was.listed), 1, function(...) call('ZREM', LABELS, ...) end)
  if #stones > 0 then
    E.chunks(stones, 2, function(...) call('HSET', H, ...) end)
    call('PEXPIREAT', H, string.format('%.0f', math.ceil(latest / 1000)))
  end
  E.row = nil
end

function E.entity_due()
  if E.row.fields > 0 or E.row.items > 0 or next(E.labels) or E.row.fin then return nil end
  return E.row.updated + E.DAY
end

-- Remove fields that have run out: map -> name -> field. Not a change of the entity.
function E.bury(dead)
  for map, found in pairs(dead) do
    local count = 0
    for _, field in pairs(found) do
      count = count + 1
      if map:byte() ~= 35 then
        E.row.fields, E.row.field_bytes = E.row.fields - 1, E.row.field_bytes - field.size
      end
    end
    if map:byte() ~= 35 then E.count_map(map, -count) end
    E.remove_fields(map, found)
  end
end

function E.keep_record()
  E.save(false)
  E.row.was = { listed = E.row.listed, due = E.row.fin and E.row.due }
  E.dirty = nil
end

-- Note a field that was met: dead, or when its end is the first.
function E.meet(dead, first, map, name, field, now)
  if not E.alive(field, now) then
    dead[map] = dead[map] or {}
    dead[map][name] = field
  elseif field.fin and not (first and first <= field.fin) then
    return field.fin
  end
  return first
end

-- All has been looked at: when to look again. `first`: the first end of a field.
function E.rest(first, now)
  local ends = E.least(first, E.row.fin)
  if ends then E.row.due = ends elseif next(E.meta.l) then E.row.due = nil else E.row.due = E.entity_due() end
  if E.row.due and E.row.due <= now and not ends then return E.drop(now, false) end
  E.keep_record()
end

-- Drop the fields that have run out: all of them, or of many those in the next stretch.
function E.reclaim(now, all)
  local count = call('HLEN', H)
  for _, more in pairs(E.meta.m) do count = count + more end
  if count > E.MANY and not all then return E.reclaim_some(now) end
  local dead, first = {}, nil
  E.each_field(function(map, name, field) first = E.meet(dead, first, map, name, field, now) end)
  E.bury(dead)
  if E.meta.s then E.meta.s, E.dirty, E.piles = nil, true, nil end
  E.rest(first, now)
end

-- One stretch. Meanwhile the entity stays due, so each call that comes does the next; what is read on the way is
-- buried at once (sift). meta.s: in which map the walk is, how far, and the first end it has met.
function E.reclaim_some(now)
  E.piles = now
  local walk = E.meta.s or { map = '', cursor = '0', first = 0 }
  local key = walk.map == '' and H or E.place(walk.map)
  local found = call('HSCAN', key, walk.cursor, 'COUNT', E.STRETCH)
  local dead, first, all = {}, walk.first > 0 and walk.first or nil, found[2]
  for i = 1, #all, 2 do
    local map, name = E.whose(walk.map, all[i])
    if map then first = E.meet(dead, first, map, name, E.read_field(all[i + 1]), now) end
  end
  E.bury(dead)
  E.dirty = true
  if found[1] == '0' then
    walk.map = E.map_after(walk.map)
    if not walk.map then
      E.meta.s, E.piles = nil, nil
      return E.rest(first, now)
    end
  end
  E.meta.s = { map = walk.map, cursor = found[1], first = first or 0 }
  E.keep_record()
end

-- The map and name of a field by the name it has in its hash.
function E.whose(map, name)
  local kind = name:byte()
  if kind and kind > 31 then return map == '' and E.MAIN or map, name end
  if kind == 6 then
    local stop = name:find('\0', 1, true)
    return name:sub(2, stop - 1), name:sub(stop + 1)
  end
end

function E.map_after(map)
  local names = E.keys_of(E.meta.m)
  table.sort(names)
  for _, name in ipairs(names) do
    if name > map then return name end
  end
end

-- What has run out and was read during a walk is buried, or a clock that jumps back would revive it.
function E.sift(map, found)
  local dead = {}
  for name, field in pairs(found) do
    if not E.alive(field, E.piles) then dead[name], found[name] = field, nil end
  end
  if not next(dead) then return found end
  E.bury({ [map] = dead })
  E.keep_record()
  return found
end
