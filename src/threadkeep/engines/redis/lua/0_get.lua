-- The most frequent call, one field of the main map, before anything else is even defined.
-- ARGV 1 'g', 2 the field, 3 whether it renews; the program that follows serves what is not so simple.
-- Returns code 6, revision, epoch, the field or false.

if ARGV[1] == 'g' then
  local found = redis.call('HMGET', KEYS[1], '', ARGV[2])
  local raw, record, simple = found[2], found[1], true
  if not record then return { 6, 0, '', false } end
  local flags, revision = struct.unpack('>BI4', record)
  local at, now = 59, nil
  if flags ~= 0 or raw then
    local moment = redis.call('TIME')
    now = math.max(moment[1] * 1000000 + moment[2], (struct.unpack('>I7', record, 13)))
  end
  if flags % 4 ~= 0 then
    simple = false -- the entity has a lease of its own
  elseif flags >= 4 then
    simple = struct.unpack('>I8', record, at) > now
    at = at + 8
  end
  if simple and raw then
    local tag, _, place = struct.unpack('>BI4', raw)
    if tag >= 16 then simple = false end
    if simple and tag % 2 == 1 and tag % 8 >= 2 and ARGV[3] == '1' then
      local fin, window, rest
      fin, rest = struct.unpack('>I8', raw, place)
      if tag % 4 >= 2 then
        window = struct.unpack('>I8', raw, rest)
      else
        window = struct.unpack('>I4', raw, rest) * 1000000
      end
      if (now + window - fin) * 16 > window then
        fin = now + window
        redis.call('HSET', KEYS[1], ARGV[2], raw:sub(1, place - 1) .. struct.pack('>I8', fin) .. raw:sub(rest))
        local left = redis.call('PTTL', KEYS[1])
        if left >= 0 and fin / 1000 > math.floor(now / 1000) + left then
          redis.call('PEXPIREAT', KEYS[1], string.format('%.0f', math.ceil(fin / 1000) + 1))
        end
      end
    end
  end
  if simple then return { 6, revision, record:sub(at), raw } end
end
