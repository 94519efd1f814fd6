-- Writes to logs: append, cut, restore.

if E.writes then -- what is not defined costs nothing

function E.push(log, items)
  E.chunks(items, 1, function(...) call('RPUSH', log.list, ...) end)
end

function E.note_ids(log, items)
  local found = {}
  for _, raw in ipairs(items) do
    local item = E.read_item(raw)
    if item.id ~= '' then
      insert(found, item.id)
      insert(found, string.format('%.0f', item.seq))
    end
  end
  E.chunks(found, 2, function(...) call('HSET', log.ids, ...) end)
end

function E.forget_items(log, items)
  local ids, apart = {}, {}
  for _, raw in ipairs(items) do
    local item = E.read_item(raw)
    if item.id ~= '' then insert(ids, item.id) end
    if item.token then insert(apart, '\8' .. item.token) end
  end
  E.chunks(ids, 1, function(...) call('HDEL', log.ids, ...) end)
  E.chunks(apart, 1, function(...) call('HDEL', H, ...) end)
end

function E.append(log, op, now)
  local asked, known = {}, {}
  for _, id in ipairs(op.ids) do
    if id ~= '' then insert(asked, id) end
  end
  known = E.seqs_of(log, asked)
  local seqs, skipped, fresh = {}, {}, {}
  for i, tail in ipairs(op.items) do
    local id = op.ids[i] or ''
    if id ~= '' and known[id] then
      insert(skipped, id)
      insert(seqs, known[id])
    else
      log.head = log.head + 1
      if id ~= '' then known[id] = log.head end
      insert(seqs, log.head)
      insert(fresh, spack('>I6I7', log.head, now) .. tail)
      E.take(E.read_item(fresh[#fresh]).token)
      log.count, log.bytes = log.count + 1, log.bytes + op.sizes[i]
    end
  end
  if #fresh > 0 then
    E.push(log, fresh)
    if #asked > 0 then E.note_ids(log, fresh) end
  end
  return { seqs, skipped }, #fresh > 0
end

function E.cut(log, op)
  if log.count == 0 then return 0, false end
  local low, high = 0, log.count
  if op.before then
    high = E.index_of(log, op.before)
  elseif op.keep then
    high = math.max(0, log.count - op.keep)
  else
    low = math.max(0, log.count - op.newest)
  end
  if low >= high then return 0, false end
  for from = low, high - 1, E.CHUNK do
    local gone = call('LRANGE', log.list, from, math.min(from + E.CHUNK, high) - 1)
    for _, raw in ipairs(gone) do log.bytes = log.bytes - E.read_item(raw).size end
    E.forget_items(log, gone)
  end
  if low > 0 then call('LTRIM', log.list, 0, low - 1) else call('LTRIM', log.list, high, -1) end
  log.count = log.count - (high - low)
  return high - low, true
end

function E.restore(log, op)
  local by_seq, moved, old_head = {}, {}, log.head
  local ids = {}
  for _, raw in ipairs(op.raws) do
    local item = E.read_item(raw)
    by_seq[item.seq] = raw
    E.take(item.token)
    log.head = math.max(log.head, item.seq)
    if item.id ~= '' then
      insert(ids, item.id)
      ids[item.id] = item.seq
    end
  end
  log.head = math.max(log.head, op.head)
  for id, seq in pairs(E.seqs_of(log, ids)) do
    if seq ~= ids[id] then moved[seq] = true end
  end
  local all, gone = log.count > 0 and call('LRANGE', log.list, 0, -1) or {}, {}
  local kept, merged = {}, {}
  for _, raw in ipairs(all) do
    local item = E.read_item(raw)
    if moved[item.seq] or by_seq[item.seq] then
      insert(gone, raw)
      log.bytes = log.bytes - item.size
    else
      insert(kept, { item.seq, raw })
    end
  end
  for seq, raw in pairs(by_seq) do
    insert(kept, { seq, raw })
    log.bytes = log.bytes + E.read_item(raw).size
  end
  table.sort(kept, function(a, b) return a[1] < b[1] end)
  for i, pair in ipairs(kept) do merged[i] = pair[2] end
  E.forget_items(log, gone)
  call('UNLINK', log.list)
  E.push(log, merged)
  E.note_ids(log, op.raws)
  log.count = #merged
  return #op.raws, #op.raws > 0 or log.head ~= old_head
end

function E.open_log(name)
  local log = E.log_of(name)
  if log then return log end
  local keys = E.log_keys[name]
  call('UNLINK', keys[1], keys[2]) -- what an evicted entity may have left
  return { head = 0, count = 0, bytes = 0, name = name, list = keys[1], ids = keys[2] }
end

function E.write_log(op, now)
  local log = E.open_log(op.log)
  local count, bytes, result, changed = log.count, log.bytes, nil, nil
  if op.code == 'append' then
    result, changed = E.append(log, op, now)
  elseif op.code == 'cut' then
    result, changed = E.cut(log, op)
  else
    result, changed = E.restore(log, op)
  end
  E.row.items = E.row.items + log.count - count
  E.row.item_bytes = E.row.item_bytes + log.bytes - bytes
  if changed then
    E.meta.l[op.log] = { log.head, log.count, log.bytes }
    E.dirty = true
  end
  return result, changed
end

end
