-- Writes to fields: staged and checked before the first of them is done.

if E.writes then -- what is not defined costs nothing

function E.begin_stage(now, revision, renewals)
  E.stage = { now = now, revision = revision, old = {}, new = {}, renewals = renewals,
    latest = 0, changed = false }
end

-- The fields of these names as the batch has left them so far: living ones only.
function E.look(map, names)
  local new, old, ask, found = E.stage.new[map] or {}, E.stage.old[map] or {}, {}, {}
  E.stage.old[map] = old
  for _, name in ipairs(names) do
    if new[name] == nil and old[name] == nil then insert(ask, name) end
  end
  local stored = E.fields_of(map, ask)
  for _, name in ipairs(ask) do old[name] = stored[name] or false end
  for _, name in ipairs(names) do
    local field = new[name]
    if field == nil then field = old[name] end
    found[name] = field and E.alive(field, E.stage.now) or nil
  end
  return found
end

function E.look_all(map, prefix)
  local found, old = E.select_of(map, prefix), E.stage.old[map] or {}
  E.stage.old[map] = old
  for name, field in pairs(found) do old[name] = field end
  for name, field in pairs(E.stage.new[map] or {}) do
    if not prefix or E.begins(name, prefix) then found[name] = field or nil end
  end
  return E.living(found, E.stage.now)
end

function E.put(map, name, field)
  E.stage.new[map] = E.stage.new[map] or {}
  E.stage.new[map][name] = field
  E.stage.changed = true
  if not field or not field.fin then return end
  if not E.stage.due or field.fin < E.stage.due then E.stage.due = field.fin end
  E.stage.latest = math.max(E.stage.latest, field.fin)
  if field.window and map == E.MAIN then
    local again = math.ceil(field.fin - field.window + field.window / 16)
    if not E.stage.renew or again < E.stage.renew then E.stage.renew = again end
  end
end

function E.start(lease, now)
  if lease.window and not lease.fin then return lease.window, now + lease.window end
  return lease.window, lease.fin
end

function E.make(value, window, fin, refs)
  return { rev = E.stage.revision, window = window, fin = fin, refs = refs, size = #value, value = value }
end

function E.stage_set(op)
  local standing = E.look(op.map, op.names)
  local window, fin = E.start(op.lease, E.stage.now)
  local skipped = {}
  for i, name in ipairs(op.names) do
    if op.absent_only and standing[name] then
      insert(skipped, name)
    else
      local field, apart = E.make(op.values[i], window, fin, op.refs[name]), op.apart[name]
      if apart then field.token, field.size, field.apart = apart.token, apart.size, true end
      E.put(op.map, name, field)
    end
  end
  return skipped
end

function E.stage_delete(op)
  local standing = op.names and E.look(op.map, op.names) or E.look_all(op.map, op.prefix)
  local gone = E.keys_of(standing)
  for _, name in ipairs(gone) do E.put(op.map, name, false) end
  return gone
end

function E.stage_increment(op)
  local field = E.look(op.map, { op.field })[op.field]
  local value = field and (field.value or E.value_of(op.map, op.field, field))
  local sum, why = E.increased(value, op.by)
  if not sum then E.refuse('number', why, op.field) end
  local window, fin = E.start(op.lease, E.stage.now)
  if field and op.keep then
    window, fin = field.window, field.fin
    if window then fin = E.stage.now + window end
  end
  E.put(op.map, op.field, E.make('j' .. sum, window, fin, field and field.refs))
  return sum
end

function E.stage_touch(op)
  if op.map == '' then return 0 end
  local standing = op.names and E.look(op.map, op.names) or E.look_all(op.map)
  E.note(E.stage.renewals, op.map, standing, E.stage.now, true)
  local count = 0
  for _, field in pairs(standing) do
    if field.window then count = count + 1 end
  end
  return count
end

function E.stage_labels(op)
  for i = 1, #op.pairs, 2 do E.labels[op.pairs[i]] = op.pairs[i + 1] end
  for _, name in ipairs(op.gone) do E.labels[name] = nil end
  return E.pairs_of(E.labels)
end

E.STAGED = {
  set = E.stage_set, del = E.stage_delete, incr = E.stage_increment, touch = E.stage_touch, label = E.stage_labels,
}

-- Bring the counts of the record up to date with what is staged.
function E.account(limit)
  local fields, bytes = 0, 0
  E.stage.maps = {}
  for map, new in pairs(E.stage.new) do
    local count, hidden = 0, map:byte() == 35
    for name, field in pairs(new) do
      local before = E.stage.old[map] and E.stage.old[map][name] or false
      count = count + (field and 1 or 0) - (before and 1 or 0)
      E.row.stay = E.row.stay + ((field and not field.fin) and 1 or 0) - ((before and not before.fin) and 1 or 0)
      if not hidden then
        bytes = bytes + (field and field.size or 0) - (before and before.size or 0)
      end
    end
    if not hidden then
      fields = fields + count
      E.stage.maps[map] = count
    end
  end
  if E.row.fields + fields > limit and fields > 0 and E.piles then E.reclaim(E.stage.now, true) end
  fields, bytes = E.row.fields + fields, E.row.field_bytes + bytes
  if fields > limit and fields > E.row.fields then E.refuse('limit', 'fields', fields, limit) end
  E.row.fields, E.row.field_bytes = fields, bytes
end

function E.flush()
  for map, new in pairs(E.stage.new) do
    local old, gone = E.stage.old[map] or {}, {}
    if E.stage.maps[map] and E.stage.maps[map] ~= 0 then E.count_map(map, E.stage.maps[map]) end
    for name, field in pairs(new) do
      local before = old[name]
      if field then
        field.had = before and before.apart and before
        E.put_field(map, name, field, field.value)
      elseif before then
        gone[name] = before
      end
      if E.stage.renewals[map] then E.stage.renewals[map][name] = nil end
    end
    E.remove_fields(map, gone)
  end
end

end
