-- The calls that are made most are answered before the rest of the script is even defined; see short.py.
-- One that turns out not to be so simple goes on to the rest (s, p), or answers 8: ask the whole question (g, a).
-- KEYS and ARGV of each stand in its file.

local call, insert, spack, sunpack = redis.call, table.insert, struct.pack, struct.unpack
local MODE, H = ARGV[1], KEYS[1]
local ROW = '>BI4I7I7I7I7I3I6I4I6I3I3' -- see 1_entity.lua

local function micros(updated)
  local moment = call('TIME')
  return math.max(moment[1] * 1000000 + moment[2], updated)
end

-- Where the server forgets the hash by itself, that is not before this end: a little later, so that it need
-- not be moved at each renewal.
local function stays_until(fin, now)
  local left = call('PTTL', H)
  if left >= 0 and fin / 1000 > math.floor(now / 1000) + left then
    call('PEXPIREAT', H, string.format('%.0f', math.ceil((fin + (fin - now) / 16) / 1000) + 1))
  end
end

local function renewed(window, fin, now)
  if (now + window - fin) * 16 > window then return now + window end
end

-- The end and window of a field, and where its header has them; nothing where it is not renewed.
local function lease_of(raw, tag)
  if tag % 2 == 0 then return nil end
  local fin, rest = sunpack('>I8', raw, 6)
  if tag % 4 >= 2 then return fin, sunpack('>I8', raw, rest), rest end
  if tag % 8 >= 4 then return fin, sunpack('>I4', raw, rest) * 1000000, rest end
  return fin
end

-- The lease of the entity as its record has it: window, end, due, earliest renewal, place of the end, of the epoch.
local function lease_in(record, flags)
  local window, fin, due, renew, fin_at, at = nil, nil, nil, nil, nil, 59
  if flags % 2 >= 1 then window, at = sunpack('>I8', record, at) end
  if flags % 4 >= 2 then
    fin_at = at
    fin, at = sunpack('>I8', record, at)
  end
  if flags % 8 >= 4 then due, at = sunpack('>I8', record, at) end
  if flags >= 8 then renew, at = sunpack('>I8', record, at) end
  return window, fin, due, renew, fin_at, at
end

local function is_over(fin, due, now) return fin and (fin <= now or (due and due > fin)) end

-- The record with the entity's own lease renewed, and whether it has to be.
local function prolonged(record, window, fin, fin_at, now)
  local later = window and fin and renewed(window, fin, now)
  if not later then return record, false end
  return record:sub(1, fin_at - 1) .. spack('>I8', later) .. record:sub(fin_at + 8), true
end
