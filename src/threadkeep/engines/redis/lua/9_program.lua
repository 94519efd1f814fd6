-- Looking after an entity that is due; reading the program and doing it.

-- Look after one entity: claim it when it is over, else reclaim, else forget it when empty.
local function tend(lease, token)
  load_entity()
  if not row then
    call('ZREM', ENDS, ID) -- and out of every list: the server forgot the entity by itself
    call('ZREM', PLACES, ID)
    call('ZREM', IDS, ID)
    return { CODES.done }
  end
  local now = math.max(clock, row.updated)
  if is_over(now) then
    now = math.max(now, row.fin + 1)
    local held = row.due and row.due > now
    if held and token ~= row.due then return { CODES.done } end
    if token and token ~= row.due then return { CODES.done } end
    row.due = now + lease
    save(false)
    return { CODES.claimed, row.epoch, row.due, row.fin }
  end
  if row.due and row.due <= now then
    reclaim(now)
  elseif row.fin and row.was.due then
    call('ZADD', ENDS, string.format('%.0f', row.due), ID)
  end
  return { CODES.done }
end

-- What a listing shows of an entity; it changes nothing, whatever has run out.
local function look()
  load_entity()
  local now = row and math.max(clock, row.updated)
  if not row or is_over(now) then return { CODES.done, {} } end
  local found = read_info(now)
  local empty = found[8] == 0 and not next(meta.l) and not next(labels) and not row.fin
  return { CODES.done, empty and {} or found }
end

local function names_or_prefix(op)
  local how = arg()
  if how == 'n' then op.names = list() elseif how == 'p' then op.prefix = arg() end
end

local function lease() return { window = number(), fin = number() } end

local PARSE = {
  get = function(op)
    op.map, op.renew, op.values, op.refs = arg(), arg() == '1', arg() == '1', arg()
    names_or_prefix(op)
  end,
  read = function(op)
    op.log, op.after, op.before, op.limit = arg(), number(), number(), number()
    op.newest, op.values, op.refs = arg() == '1', arg() == '1', arg()
    if arg() == 'i' then op.ids = list() end
  end,
  info = function() end,
  set = function(op)
    op.map, op.lease, op.absent_only = arg(), lease(), arg() == '1'
    op.names, op.values, op.refs = {}, {}, {}
    for i = 1, number() do
      op.names[i], op.values[i] = arg(), arg()
      local refs = arg()
      if refs ~= '' then op.refs[op.names[i]] = refs end
    end
  end,
  del = function(op)
    op.map = arg()
    names_or_prefix(op)
  end,
  incr = function(op)
    op.map, op.field, op.by, op.lease, op.keep = arg(), arg(), arg(), lease(), arg() == '1'
  end,
  append = function(op)
    op.log, op.ids, op.sizes, op.items = arg(), {}, {}, {}
    for i = 1, number() do op.ids[i], op.sizes[i], op.items[i] = arg(), number(), arg() end
  end,
  cut = function(op)
    op.log = arg()
    op[arg()] = number()
  end,
  touch = function(op)
    op.map = arg()
    names_or_prefix(op)
    if arg() == '1' then op.lease = lease() end
    op.birth = arg() == '1'
  end,
  label = function(op) op.pairs, op.gone = list(), list() end,
  drop = function() end,
  restore = function(op) op.log, op.head, op.raws = arg(), number(), list() end,
  missing = function(guard) guard.map, guard.field = arg(), arg() end,
  same = function(guard) guard.map, guard.field, guard.n = arg(), arg(), number() end,
  revision = function(guard) guard.n = number() end,
  head = function(guard) guard.log, guard.n = arg(), number() end,
  epoch = function(guard) guard.epoch = arg() end,
  claimed = function(guard) guard.n = number() end,
}
local READS = { get = true, read = true, info = true }

local function parse(many)
  local found = {}
  for i = 1, many do
    local op = { code = arg() }
    PARSE[op.code](op)
    op.writes = not READS[op.code]
    found[i] = op
  end
  return found
end

local function program()
  if ARGV[1] == 't' then return tend(number(), number()) end
  if ARGV[1] == 'i' then return look() end
  local batch = { once = arg(), epoch = arg(), field_limit = number(), label_limit = number() }
  batch.guards, batch.ops, batch.otherwise = parse(number()), parse(number()), parse(number())
  for i, op in ipairs(batch.ops) do
    if op.writes and not batch.first then batch.first = i end
  end
  batch.writes = batch.first ~= nil
  return run(batch)
end

local fine, result = pcall(program)
if fine then return result end
if type(result) == 'table' and not result.err then return { 9, unpack(result) } end
error(result)
