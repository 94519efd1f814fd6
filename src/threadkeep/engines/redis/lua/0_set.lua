-- Some short values of the main map, by a handle that has met the entity already.
-- KEYS as in 1_entity.lua. ARGV 's', the id, the channel, what is the same for the shard, the epoch of a birth,
-- that which the handle has met or '', window, end, how many fields, then name and value of each.
-- Returns code 10, revision, epoch.

if MODE == 's' then
  local count, names = tonumber(ARGV[9]), { '' }
  for i = 1, count do names[i + 1] = ARGV[8 + 2 * i] end
  local found = call('HMGET', H, unpack(names))
  local record, simple = found[1], false
  local flags, revision, created, updated, listed, prior, fields, bytes, items, item_bytes, main, stay
  local now, due, renew, epoch
  if record then
    flags, revision, created, updated, listed, prior, fields, bytes, items, item_bytes, main, stay = sunpack(ROW, record)
    now = micros(updated)
    local _, fin, place
    _, fin, due, renew, _, place = lease_in(record, flags)
    epoch = record:sub(place)
    simple = not fin and not (due and due <= now) and now - listed < 60000000
      and (ARGV[6] == '' or ARGV[6] == epoch)
  end
  if simple then
    local fixed = cmsgpack.unpack(ARGV[4])
    local window, fin = tonumber(ARGV[7]), tonumber(ARGV[8])
    if window and not fin then fin = now + window end
    local seconds = window and window % 1000000 == 0 and window < 4e15
    local header = spack('>BI4', (fin and 1 or 0) + (window and (seconds and 4 or 2) or 0), revision + 1)
    if fin then header = header .. spack('>I8', fin) end
    if seconds then header = header .. spack('>I4', window / 1000000)
    elseif window then header = header .. spack('>I8', window) end
    local changes = { '', false }
    for i = 1, count do
      local old, value = found[i + 1], ARGV[9 + 2 * i]
      if old then
        local tag = old:byte()
        if tag >= 8 then
          simple = false -- linked, or a value that stands apart
          break
        end
        bytes = bytes - #old + 5 + tag % 2 * 8 + (tag % 4 >= 2 and 8 or tag >= 4 and 4 or 0)
        if tag % 2 == 0 then stay = stay - 1 end
      else
        fields, main = fields + 1, main + 1
      end
      bytes = bytes + #value
      if not fin then stay = stay + 1 end
      changes[2 * i + 1], changes[2 * i + 2] = names[i + 1], header .. value
    end
    if simple and fields <= fixed[5] then
      if fin and not (due and due <= fin) then due = fin end
      local again = window and math.ceil(fin - window + window / 16)
      if again and not (renew and renew <= again) then renew = again end
      changes[2] = spack(ROW, (due and 4 or 0) + (renew and 8 or 0), revision + 1, created, now, listed, prior,
        fields, bytes, items, item_bytes, main, stay)
        .. (due and spack('>I8', due) or '') .. (renew and spack('>I8', renew) or '') .. epoch
      call('HSET', H, unpack(changes))
      if fin then stays_until(fin, now) elseif stay > 0 then call('PERSIST', H) end
      redis.pcall(fixed[2], ARGV[3], string.format('%.0f', revision + 1))
      return { 10, revision + 1, epoch }
    end
  end
end
