-- Items for a log that stands, by a handle that has met the entity already.
-- KEYS as in 1_entity.lua. ARGV 'p', the id, the channel, what is the same for the shard, the epoch of a birth,
-- that which the handle has met or '', the log, how many items, then id, size and stored form of each.
-- Returns code 11, revision, epoch, the number before the first new one.

if MODE == 'p' then
  local log, count = ARGV[7], tonumber(ARGV[8])
  local found, simple = call('HMGET', H, '', '\2'), false
  local record, meta, standing = found[1], nil, nil
  local flags, revision, created, updated, listed, now, epoch_at
  if record and found[2] then
    flags, revision, created, updated, listed = sunpack(ROW, record)
    now = micros(updated)
    local _, fin, due
    _, fin, due, _, _, epoch_at = lease_in(record, flags)
    meta = cmsgpack.unpack(found[2])
    standing = meta.l[log]
    simple = standing and not fin and not (due and due <= now) and now - listed < 60000000
      and (ARGV[6] == '' or ARGV[6] == record:sub(epoch_at)) and call('LLEN', KEYS[6]) == standing[2]
  end
  if simple then
    local ids, known = {}, {}
    for i = 1, count do
      local id = ARGV[6 + 3 * i]
      if id ~= '' then
        if known[id] then simple = false end
        known[id] = true
        insert(ids, id)
      end
    end
    if simple and #ids > 0 then
      for _, seq in ipairs(call('HMGET', KEYS[7], unpack(ids))) do simple = simple and not seq end
    end
    if simple then
      local head, raws, seqs = standing[1], {}, {}
      for i = 1, count do
        raws[i] = spack('>I6I7', head + i, now) .. ARGV[8 + 3 * i]
        local id, size = ARGV[6 + 3 * i], tonumber(ARGV[7 + 3 * i])
        standing[3] = standing[3] + size
        if id ~= '' then
          insert(seqs, id)
          insert(seqs, string.format('%.0f', head + i))
        end
      end
      standing[1], standing[2] = head + count, standing[2] + count
      call('RPUSH', KEYS[6], unpack(raws))
      if #seqs > 0 then call('HSET', KEYS[7], unpack(seqs)) end
      call('HSET', H, '', spack('>BI4I7I7', flags, revision + 1, created, now) .. record:sub(20),
        '\2', cmsgpack.pack(meta))
      redis.pcall(cmsgpack.unpack(ARGV[4])[2], ARGV[3], string.format('%.0f', revision + 1))
      return { 11, revision + 1, record:sub(epoch_at), head }
    end
  end
end
