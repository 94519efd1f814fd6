-- Some short values of the main map, by a handle that has met the entity already.
-- KEYS as in 1_entity.lua. ARGV 's', the id, the channel, what is the same for the shard, the epoch of a birth,
-- that which the handle has met or '', window, end, how many fields, then name and value of each.
-- Returns code 10, revision, epoch.

if MODE == 's' then
  local count, names = tonumber(ARGV[9]), { '' }
  for i = 1, count do names[i + 1] = ARGV[8 + 2 * i] end
  local found = call('HMGET', H, unpack(names))
  local record, simple = found[1], false
  local flags, revision, created, updated, listed, fields, bytes, prior, main, stay, now, due, renew, epoch
  if record then
    flags, revision, created, updated, listed, fields, bytes = sunpack(ROW, record)
    prior, main, stay = counts_in(record, flags, fields)
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
    local header = header_of(0, revision + 1, fin, window)
    local changes = { '', false }
    for i = 1, count do
      local old, value = found[i + 1], ARGV[9 + 2 * i]
      if old then
        local tag = old:byte()
        if tag % 64 >= 8 then
          simple = false -- linked, or a value that stands apart
          break
        end
        bytes = bytes - #old + select(4, lease_of(old, tag)) - 1
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
      changes[2] = packed({ revision = revision + 1, created = created, updated = now, listed = listed, prior = prior,
        fields = fields, field_bytes = bytes, main = main, stay = stay, due = due, renew = renew }, epoch)
      call('HSET', H, unpack(changes))
      if fin then stays_until(fin, now) elseif stay > 0 then call('PERSIST', H) end
      redis.pcall(fixed[2], ARGV[3], string.format('%.0f', revision + 1))
      return { 10, revision + 1, epoch }
    end
  end
end
