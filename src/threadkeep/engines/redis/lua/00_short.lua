-- The calls that are made most are answered before the rest of the script is even defined; see short.py.
-- One that turns out not to be so simple goes on to the rest (s, p), or answers 8: ask the whole question (g, a).
-- KEYS and ARGV of each stand in its file.

local call, insert, spack, sunpack = redis.call, table.insert, struct.pack, struct.unpack
local MODE, H = ARGV[1], KEYS[1]
local FAR = 7.2e16 -- no time before the year 4251 takes more than 7 bytes

-- The record of an entity: flags, revision, created, updated, place in listings, fields and their bytes, then as
-- the flags say: the place before (16), fields of the main map where there are others (32), fields without an
-- end (64), window (1), end (2), due (4), earliest renewal of a field of the main map (8); the epoch. It is to be
-- at most 64 bytes long, or the server takes twice the room for the entity.
local ROW, FIXED = '>BI4I7I7I7I3I5', 35

local function counts_in(record, flags, fields)
  local at, prior, main, stay = FIXED, 0, fields, 0
  if flags % 32 >= 16 then prior, at = sunpack('>I7', record, at) end
  if flags % 64 >= 32 then main, at = sunpack('>I3', record, at) end
  if flags >= 64 then stay = sunpack('>I3', record, at) end
  return prior, main, stay
end

local function packed(row, epoch)
  local prior, main, stay = row.prior > 0, row.main ~= row.fields, row.stay ~= 0
  local window, fin, due, renew = row.window, row.fin, row.due, row.renew
  return spack(ROW, (window and 1 or 0) + (fin and 2 or 0) + (due and 4 or 0) + (renew and 8 or 0)
      + (prior and 16 or 0) + (main and 32 or 0) + (stay and 64 or 0),
      row.revision, row.created, row.updated, row.listed, row.fields, row.field_bytes)
    .. (prior and spack('>I7', row.prior) or '') .. (main and spack('>I3', row.main) or '')
    .. (stay and spack('>I3', row.stay) or '') .. (window and spack('>I8', window) or '')
    .. (fin and spack('>I8', fin) or '') .. (due and spack('>I7', math.min(due, FAR)) or '')
    .. (renew and spack('>I5', math.min(math.floor(renew / 1000000), 1e12)) or '') .. epoch
end

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

-- The header of a field: a byte that tells what follows (`tag` what follows this), the revision, the end (1; in
-- 8 bytes, not 7: 64), the window (2: microseconds, 4: seconds, 6: seconds in two bytes).

local function header_of(tag, revision, fin, window)
  local ends, lasts = '', ''
  if fin then
    tag = tag + (fin < FAR and 1 or 65)
    ends = spack(fin < FAR and '>I7' or '>I8', fin)
  end
  if window then
    local seconds = window % 1000000 == 0 and window / 1000000 or nil
    if seconds and seconds < 65536 then tag, lasts = tag + 6, spack('>I2', seconds)
    elseif seconds and seconds < 4e9 then tag, lasts = tag + 4, spack('>I4', seconds)
    else tag, lasts = tag + 2, spack('>I8', window) end
  end
  return spack('>BI4', tag, revision) .. ends .. lasts
end

-- The end and window of a field, where the end stops and where the rest begins.
local function lease_of(raw, tag)
  local fin, window, stop, at = nil, nil, 6, 6
  if tag % 2 == 1 then
    fin, stop = sunpack(tag >= 64 and '>I8' or '>I7', raw, 6)
    at = stop
  end
  local kind = tag % 8 - tag % 2
  if kind == 6 then window, at = sunpack('>I2', raw, at)
  elseif kind == 4 then window, at = sunpack('>I4', raw, at)
  elseif kind == 2 then window, at = sunpack('>I8', raw, at) end
  if kind > 2 then window = window * 1000000 end
  return fin, window, stop, at
end

-- The field with another end.
local function ending(raw, tag, stop, fin)
  local far = fin < FAR and 0 or 64
  return string.char(tag % 64 + far) .. raw:sub(2, 5) .. spack(far == 0 and '>I7' or '>I8', fin) .. raw:sub(stop)
end

-- The lease of the entity as its record has it: window, end, due, earliest renewal, place of the end, of the epoch.
local function lease_in(record, flags)
  local at = FIXED + (flags % 32 >= 16 and 7 or 0) + (flags % 64 >= 32 and 3 or 0) + (flags >= 64 and 3 or 0)
  local window, fin, due, renew, fin_at
  if flags % 2 >= 1 then window, at = sunpack('>I8', record, at) end
  if flags % 4 >= 2 then
    fin_at = at
    fin, at = sunpack('>I8', record, at)
  end
  if flags % 8 >= 4 then due, at = sunpack('>I7', record, at) end
  if flags % 16 >= 8 then
    renew, at = sunpack('>I5', record, at)
    renew = renew * 1000000
  end
  return window, fin, due, renew, fin_at, at
end

local function is_over(fin, due, now) return fin and (fin <= now or (due and due > fin)) end

-- The record with the entity's own lease renewed, and whether it has to be.
local function prolonged(record, window, fin, fin_at, now)
  local later = window and fin and renewed(window, fin, now)
  if not later then return record, false end
  return record:sub(1, fin_at - 1) .. spack('>I8', later) .. record:sub(fin_at + 8), true
end
