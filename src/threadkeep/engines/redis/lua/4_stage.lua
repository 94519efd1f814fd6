-- Writes to fields: staged and checked before the first of them is done.

local stage

local function begin_stage(now, revision, renewals)
  stage = { now = now, revision = revision, old = {}, new = {}, renewals = renewals,
    latest = 0, changed = false }
end

-- The fields of these names as the batch has left them so far: living ones only.
local function look(map, names)
  local new, old, ask, found = stage.new[map] or {}, stage.old[map] or {}, {}, {}
  stage.old[map] = old
  for _, name in ipairs(names) do
    if new[name] == nil and old[name] == nil then insert(ask, name) end
  end
  local stored = fields_of(map, ask)
  for _, name in ipairs(ask) do old[name] = stored[name] or false end
  for _, name in ipairs(names) do
    local field = new[name]
    if field == nil then field = old[name] end
    found[name] = field and alive(field, stage.now) or nil
  end
  return found
end

local function look_all(map, prefix)
  local found, old = select_of(map, prefix), stage.old[map] or {}
  stage.old[map] = old
  for name, field in pairs(found) do old[name] = field end
  for name, field in pairs(stage.new[map] or {}) do
    if not prefix or begins(name, prefix) then found[name] = field or nil end
  end
  return living(found, stage.now)
end

local function put(map, name, field)
  stage.new[map] = stage.new[map] or {}
  stage.new[map][name] = field
  stage.changed = true
  if not field or not field.fin then return end
  if not stage.due or field.fin < stage.due then stage.due = field.fin end
  stage.latest = math.max(stage.latest, field.fin)
end

local function start(lease, now)
  if lease.window and not lease.fin then return lease.window, now + lease.window end
  return lease.window, lease.fin
end

local function make(value, window, fin, refs)
  return { rev = stage.revision, window = window, fin = fin, refs = refs, size = #value, value = value }
end

local function stage_set(op)
  local standing = look(op.map, op.names)
  local window, fin = start(op.lease, stage.now)
  local skipped = {}
  for i, name in ipairs(op.names) do
    if op.absent_only and standing[name] then
      insert(skipped, name)
    else
      put(op.map, name, make(op.values[i], window, fin, op.refs[name]))
    end
  end
  return skipped
end

local function stage_delete(op)
  local standing = op.names and look(op.map, op.names) or look_all(op.map, op.prefix)
  local gone = keys_of(standing)
  for _, name in ipairs(gone) do put(op.map, name, false) end
  return gone
end

local function stage_increment(op)
  local field = look(op.map, { op.field })[op.field]
  local value = field and (field.value or value_of(op.map, op.field, field))
  local sum, why = increased(value, op.by)
  if not sum then refuse('number', why, op.field) end
  local window, fin = start(op.lease, stage.now)
  if field and op.keep then
    window, fin = field.window, field.fin
    if window then fin = stage.now + window end
  end
  put(op.map, op.field, make('j' .. sum, window, fin, field and field.refs))
  return sum
end

local function stage_touch(op)
  if op.map == '' then return 0 end
  local standing = op.names and look(op.map, op.names) or look_all(op.map)
  note(stage.renewals, op.map, standing, stage.now, true)
  local count = 0
  for _, field in pairs(standing) do
    if field.window then count = count + 1 end
  end
  return count
end

local function stage_labels(op)
  for i = 1, #op.pairs, 2 do labels[op.pairs[i]] = op.pairs[i + 1] end
  for _, name in ipairs(op.gone) do labels[name] = nil end
  return pairs_of(labels)
end

local STAGED = { set = stage_set, del = stage_delete, incr = stage_increment, touch = stage_touch, label = stage_labels }

-- Bring the counts of the record up to date with what is staged.
local function account(limit)
  local fields, bytes = row.fields, row.field_bytes
  stage.maps = {}
  for map, new in pairs(stage.new) do
    local count, hidden = 0, map:byte() == 35
    for name, field in pairs(new) do
      local before = stage.old[map] and stage.old[map][name] or false
      count = count + (field and 1 or 0) - (before and 1 or 0)
      row.stay = row.stay + ((field and not field.fin) and 1 or 0) - ((before and not before.fin) and 1 or 0)
      if not hidden then
        bytes = bytes + (field and field.size or 0) - (before and before.size or 0)
      end
    end
    if not hidden then
      fields = fields + count
      stage.maps[map] = count
    end
  end
  if fields > limit and fields > row.fields then refuse('limit', 'fields', fields, limit) end
  row.fields, row.field_bytes = fields, bytes
end

local function count_map(map, count)
  if map == MAIN then
    row.main = row.main + count
  else
    meta.m[map] = (meta.m[map] or 0) + count
    if meta.m[map] <= 0 then meta.m[map] = nil end
    meta.dirty = true
  end
end

local function flush()
  for map, new in pairs(stage.new) do
    local old, gone = stage.old[map] or {}, {}
    if stage.maps[map] and stage.maps[map] ~= 0 then count_map(map, stage.maps[map]) end
    for name, field in pairs(new) do
      local before = old[name]
      if field then
        field.had = before and before.apart
        put_field(map, name, field, field.value)
      elseif before then
        gone[name] = before
      end
      if stage.renewals[map] then stage.renewals[map][name] = nil end
    end
    remove_fields(map, gone)
  end
end

local function settle(renewals)
  local latest = 0
  for map, found in pairs(renewals or {}) do
    for name, pair in pairs(found) do
      move_end(map, name, pair[1], pair[2])
      latest = math.max(latest, pair[2])
    end
  end
  return latest
end
