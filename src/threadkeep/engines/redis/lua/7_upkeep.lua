-- The end of an entity, and of what has run out in it.

function E.count_map(map, count)
  if map == E.MAIN then
    E.row.main = E.row.main + count
  else
    E.meta.m[map] = (E.meta.m[map] or 0) + count
    if E.meta.m[map] <= 0 then E.meta.m[map] = nil end
    E.meta.dirty = true
  end
end

function E.drop(now, tombstone)
  local gone = { H }
  for map in pairs(E.meta.m) do
    if not E.map_keys[map] then E.refuse('need', 'map', map) end
    insert(gone, E.map_keys[map])
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

-- Drop the fields that have run out and find the next time to look. Not a change of the entity.
function E.reclaim(now)
  local dead, first = {}, nil
  E.each_field(function(map, name, field)
    if not E.alive(field, now) then
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
        E.row.fields, E.row.field_bytes = E.row.fields - 1, E.row.field_bytes - field.size
      end
    end
    if map:byte() ~= 35 then E.count_map(map, -count) end
    E.remove_fields(map, found)
  end
  local ends = first or E.row.fin
  if first and E.row.fin then ends = math.min(first, E.row.fin) end
  if ends then E.row.due = ends elseif next(E.meta.l) then E.row.due = nil else E.row.due = E.entity_due() end
  if E.row.due and E.row.due <= now and not ends then
    E.drop(now, false)
    return
  end
  E.save(false)
  E.row.was = { listed = E.row.listed, due = E.row.fin and E.row.due }
  E.meta.dirty = nil
end
