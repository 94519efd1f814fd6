-- Named fields of the main map.
-- KEYS 1 the entity. ARGV 'g', whether it renews (0, 1; followed by t: the time is asked for too), how many
-- fields, their names.
-- Returns code 6, revision, epoch, each field or false; the time.

if MODE == 'g' then
  local renew, timed, count = ARGV[2]:byte() == 49, #ARGV[2] > 1, tonumber(ARGV[3])
  local found = call('HMGET', H, '', unpack(ARGV, 4, 3 + count))
  local record = found[1]
  if not record then return { 6, 0, '', timed and string.format('%.0f', micros(0)) or nil } end
  local flags, revision = sunpack('>BI4', record)
  local now = micros((sunpack('>I7', record, 13)))
  local window, fin, due, _, fin_at, at = lease_in(record, flags)
  if is_over(fin, due, now) then return { 8 } end
  local answer, latest, is_due = { 6, revision, record:sub(at) }, nil, due and due <= now
  for i = 2, count + 1 do
    local raw, name = found[i], ARGV[i + 2]
    if raw then
      local tag = raw:byte()
      local ends, each, stop = lease_of(raw, tag)
      if tag % 64 >= 16 and tag % 64 < 32 then
        local value = call('HGET', H, '\1' .. name)
        if not value then return { 9, 'lost', 'value', name } end
        answer[i + 2] = raw .. value
      else
        answer[i + 2] = raw
      end
      if ends and ends <= now then return { 8 } end -- what was seen to be over is removed, or a clock revives it
      local later = renew and each and renewed(each, ends, now)
      if later then
        call('HDEL', H, '\5') -- never there; it lets a full server take what only moves an end
        call('HSET', H, name, ending(raw, tag, stop, later))
        latest = math.max(latest or 0, later)
      end
    else
      if is_due then return { 8 } end -- nothing may be left of the entity
      answer[i + 2] = false
    end
  end
  if timed then answer[count + 4] = string.format('%.0f', now) end
  if latest then stays_until(latest, now) end
  local moved
  if renew then record, moved = prolonged(record, window, fin, fin_at, now) end
  if moved then
    call('HDEL', H, '\5')
    call('HSET', H, '', record)
  end
  return answer
end
