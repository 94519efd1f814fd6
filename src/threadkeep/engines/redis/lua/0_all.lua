-- All fields of the main map: HGETALL goes before it in the same write, so that no value passes through here.
-- This renews what is to be renewed, and tells the time by which the client checks what it has got.
-- KEYS 1 the entity. ARGV 'a', whether it renews.
-- Returns code 6, now.

if MODE == 'a' then
  local record = call('HGET', H, '')
  if not record then return { 6, micros(0) } end
  local flags = record:byte()
  local now = micros((sunpack('>I7', record, 13)))
  local window, fin, due, renew, fin_at, at = lease_in(record, flags)
  if is_over(fin, due, now) or (due and due <= now) then return { 8 } end
  if ARGV[2] ~= '1' then return { 6, now } end
  local row, moved = prolonged(record, window, fin, fin_at, now)
  local changes, latest, first = {}, 0, nil
  if renew and renew <= now then
    local all = call('HGETALL', H)
    for i = 1, #all, 2 do
      local name, raw = all[i], all[i + 1]
      if name ~= '' and name:byte() > 31 then
        local tag = raw:byte()
        local ends, each, stop = lease_of(raw, tag)
        if each and ends > now then
          local later = renewed(each, ends, now)
          if later then
            insert(changes, name)
            insert(changes, ending(raw, tag, stop, later))
            ends, latest = later, math.max(latest, later)
          end
          local again = math.ceil(ends - each + each / 16)
          if not first or again < first then first = again end
        end
      end
    end
    -- flags and the earliest renewal; nothing renews any more where no sliding field is left
    row = string.char(first and flags or flags - 8) .. row:sub(2, at - 6)
      .. (first and spack('>I5', math.min(math.floor(first / 1000000), 1e12)) or '') .. row:sub(at)
    moved = true
  end
  if moved then
    call('HDEL', H, '\5') -- never there; it lets a full server take what only moves an end
    call('HSET', H, '', row)
  end
  for from = 1, #changes, 6000 do call('HSET', H, unpack(changes, from, math.min(from + 5999, #changes))) end
  if latest > 0 then stays_until(latest, now) end
  return { 6, now }
end
