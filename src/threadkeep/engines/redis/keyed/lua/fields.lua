-- State of a thread, one key for each field, as other programs read and write it; see names.py.
-- KEYS  for each field that the program names, by its number i: its key 2i - 1 and its note 2i
-- ARGV  1: the program, MessagePack: [guards, gets, writes, revision]
--          guard  ["missing", i], ["same", i, revision]
--          get    [renews, with values, [i, ...]]
--          write  ["set", window, end, only where absent, [[i, n], ...]], ["del", [i, ...]], ["touch", [i, ...]]
--       n: the number of the argument that is the value's form; the next one is the value
--       times are decimal texts of microseconds, "" for none
-- Returns [number of the guard that failed or -1, answers of the gets, answers of the writes]
--          get    [[i, form, value, revision, window, end, size], ...]; set: the i that were left alone;
--          del    the i that stood; touch: how many have a window
-- A note is MessagePack too: [form, SHA-1 of the value, revision, window, end]. It holds for the value whose
-- SHA-1 it names and no other: what somebody else has written since has the lease that its key has. It stays
-- for an hour after the end, for others move the end of a key that is not theirs when they read it.
local call = redis.call
local guards, gets, writes, revision = unpack(cmsgpack.unpack(ARGV[1]))
local moment = call('TIME')
local now = moment[1] * 1000000 + moment[2]
local LONGER = 3600000 -- milliseconds that a note stays after the end
local FOREIGN = 2199023255552 -- 2^41: revisions above are made from the value

local function text(number)
  return string.format('%.0f', number)
end

local function forget(i)
  call('UNLINK', KEYS[2 * i - 1], KEYS[2 * i])
end

-- The field as it stands; `left` is what its key has, microseconds or nil.
local function look(i)
  local value = call('GET', KEYS[2 * i - 1])
  local packed = call('GET', KEYS[2 * i])
  if not value then
    if packed then call('UNLINK', KEYS[2 * i]) end
    return nil
  end
  local left = call('PTTL', KEYS[2 * i - 1])
  left = left >= 0 and left * 1000 or nil
  local ends = left and text(now + left) or ''
  local sha = redis.sha1hex(value)
  local note = packed and cmsgpack.unpack(packed)
  if not note or note[2] ~= sha then
    local mark = FOREIGN + tonumber(string.sub(sha, 1, 10), 16)
    return { value = value, form = 'T', revision = mark, window = '', ends = ends, left = left }
  end
  local own = tonumber(note[5])
  if own and note[4] == '' and own <= now then
    forget(i)
    return nil
  end
  local same = own and left and math.abs(now + left - own) <= 2000
  if same then ends = note[5] end
  return {
    value = value, form = note[1], sha = sha, revision = note[3], window = note[4], own = note[5],
    ends = ends, left = left, same = same,
  }
end

local function write(i, form, value, sha, mark, window, ends)
  local note = cmsgpack.pack({ form, sha, mark, window, ends })
  if ends == '' then
    call('SET', KEYS[2 * i - 1], value)
    call('SET', KEYS[2 * i], note)
    return
  end
  local at = math.ceil(tonumber(ends) / 1000)
  call('SET', KEYS[2 * i - 1], value, 'PXAT', text(at))
  call('SET', KEYS[2 * i], note, 'PXAT', text(at + LONGER))
end

-- Give a field of ours the end that its own lease says, whatever others did to its key.
local function renew(i, found, exact)
  if not found.sha then return end
  local ends = found.own
  if found.window ~= '' then
    local window = tonumber(found.window)
    local late = now + window
    local moved = found.left and late - (now + found.left) or window
    if not exact and moved >= 0 and moved * 16 <= window then return end
    ends = text(late)
  elseif found.same or (ends == '' and not found.left) then
    return
  end
  write(i, found.form, found.value, found.sha, found.revision, found.window, ends)
  found.ends = ends
end

local seen = {}
local function field(i)
  if seen[i] == nil then seen[i] = look(i) or false end
  return seen[i]
end

for number, guard in ipairs(guards) do
  local found = field(guard[2])
  local holds
  if guard[1] == 'missing' then holds = not found else holds = found and found.revision == guard[3] end
  if not holds then return { number - 1, {}, {} } end
end

local read = {}
for n, get in ipairs(gets) do
  local rows = {}
  for _, i in ipairs(get[3]) do
    local found = field(i)
    if found then
      if get[1] then renew(i, found, false) end
      local value = get[2] and found.value or ''
      rows[#rows + 1] =
        { i, found.form, value, found.revision, found.window, found.ends, #found.value }
    end
  end
  read[n] = rows
end

local function set(op)
  local window, ends, left = op[2], op[3], {}
  if window ~= '' and ends == '' then ends = text(now + tonumber(window)) end
  for _, item in ipairs(op[5]) do
    local i, form, value = item[1], ARGV[item[2]], ARGV[item[2] + 1]
    if op[4] and field(i) then
      left[#left + 1] = i
    elseif ends ~= '' and tonumber(ends) <= now then
      forget(i)
      seen[i] = false
    else
      write(i, form, value, redis.sha1hex(value), revision, window, ends)
      seen[i] = nil
    end
  end
  return left
end

local function del(op)
  local gone = {}
  for _, i in ipairs(op[2]) do
    if field(i) then gone[#gone + 1] = i end
    forget(i)
    seen[i] = false
  end
  return gone
end

local function touch(op)
  local count = 0
  for _, i in ipairs(op[2]) do
    local found = field(i)
    if found then
      renew(i, found, true)
      if found.window ~= '' then count = count + 1 end
    end
  end
  return count
end

local done = {}
local kinds = { set = set, del = del, touch = touch }
for n, op in ipairs(writes) do
  done[n] = kinds[op[1]](op)
end
return { -1, read, done }
