-- The end of an entity, and of what has run out in it.

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
