-- Looking after an entity that is due; reading the program and doing it.

-- Look after one entity: claim it when it is over, else reclaim, else forget it when empty.
function E.tend(lease, token)
  E.load_entity()
  if not E.row then
    call('ZREM', ENDS, E.ID) -- and out of every list: the server forgot the entity by itself
    call('ZREM', PLACES, E.ID)
    call('ZREM', IDS, E.ID)
    return { E.CODES.done }
  end
  local now = math.max(E.clock, E.row.updated)
  if E.is_over(now) then
    now = math.max(now, E.row.fin + 1)
    local held = E.row.due and E.row.due > now
    if held and token ~= E.row.due then return { E.CODES.done } end
    if token and token ~= E.row.due then return { E.CODES.done } end
    E.row.due = now + lease
    E.save(false)
    return { E.CODES.claimed, E.row.epoch, E.row.due, E.row.fin }
  end
  if E.row.due and E.row.due <= now then
    E.reclaim(now)
  elseif E.row.fin and E.row.was.due then
    call('ZADD', ENDS, string.format('%.0f', E.row.due), E.ID)
  end
  return { E.CODES.done }
end

-- What a listing shows of an entity; it changes nothing, whatever has run out.
function E.glance()
  E.load_entity()
  local now = E.row and math.max(E.clock, E.row.updated)
  if not E.row or E.is_over(now) then return { E.CODES.done, {} } end
  local found = E.read_info(now)
  local empty = found[8] == 0 and not next(E.meta.l) and not next(E.labels) and not E.row.fin
  return { E.CODES.done, empty and {} or found }
end

function E.names_or_prefix(op)
  local how = E.arg()
  if how == 'n' then op.names = E.list() elseif how == 'p' then op.prefix = E.arg() end
end

function E.lease() return { window = E.number(), fin = E.number() } end

E.READS = {
  get = function(op)
    op.map, op.renew, op.values, op.refs = E.arg(), E.arg() == '1', E.arg() == '1', E.arg()
    E.names_or_prefix(op)
  end,
  read = function(op)
    op.log, op.after, op.before, op.limit = E.arg(), E.number(), E.number(), E.number()
    op.newest, op.values, op.refs = E.arg() == '1', E.arg() == '1', E.arg()
    if E.arg() == 'i' then op.ids = E.list() end
  end,
  info = function() end,
  now = function() end,
}
if E.writes then
  E.WRITES = {
    set = function(op)
      op.map, op.lease, op.absent_only = E.arg(), E.lease(), E.arg() == '1'
      op.names, op.values, op.refs = {}, {}, {}
      for i = 1, E.number() do
        op.names[i], op.values[i] = E.arg(), E.arg()
        local refs = E.arg()
        if refs ~= '' then op.refs[op.names[i]] = refs end
      end
      op.apart = {}
      for _ = 1, E.number() do op.apart[E.arg()] = { token = E.arg(), size = E.number() } end
    end,
    del = function(op)
      op.map = E.arg()
      E.names_or_prefix(op)
    end,
    incr = function(op)
      op.map, op.field, op.by, op.lease, op.keep = E.arg(), E.arg(), E.arg(), E.lease(), E.arg() == '1'
    end,
    append = function(op)
      op.log, op.ids, op.sizes, op.items = E.arg(), {}, {}, {}
      for i = 1, E.number() do op.ids[i], op.sizes[i], op.items[i] = E.arg(), E.number(), E.arg() end
    end,
    cut = function(op)
      op.log = E.arg()
      op[E.arg()] = E.number()
    end,
    touch = function(op)
      op.map = E.arg()
      E.names_or_prefix(op)
      if E.arg() == '1' then op.lease = E.lease() end
      op.birth = E.arg() == '1'
    end,
    label = function(op) op.pairs, op.gone = E.list(), E.list() end,
    drop = function() end,
    restore = function(op) op.log, op.head, op.raws = E.arg(), E.number(), E.list() end,
  }
end

function E.parse_guard(guard)
  local code = guard.code
  if code == 'missing' or code == 'same' then
    guard.map, guard.field = E.arg(), E.arg()
  elseif code == 'head' then
    guard.log = E.arg()
  elseif code == 'epoch' then
    guard.epoch = E.arg()
    return
  end
  if code ~= 'missing' then guard.n = E.number() end
end

function E.parse(many)
  local found = {}
  for i = 1, many do
    local op = { code = E.arg() }
    local read = E.READS[op.code]
    op.writes = not read
    local how = read or E.WRITES and E.WRITES[op.code] or E.parse_guard
    how(op)
    found[i] = op
  end
  return found
end

-- A short write that turned out not to be simple, as a batch.
function E.short()
  local op, guards = { code = 'set', writes = true, map = E.MAIN, refs = {}, apart = {}, names = {}, values = {} }, {}
  if MODE == 's' then
    op.lease = { window = tonumber(ARGV[7]), fin = tonumber(ARGV[8]) }
    for i = 1, tonumber(ARGV[9]) do op.names[i], op.values[i] = ARGV[8 + 2 * i], ARGV[9 + 2 * i] end
  else
    op = { code = 'append', writes = true, log = ARGV[7], ids = {}, sizes = {}, items = {} }
    for i = 1, tonumber(ARGV[8]) do
      op.ids[i], op.sizes[i], op.items[i] = ARGV[6 + 3 * i], tonumber(ARGV[7 + 3 * i]), ARGV[8 + 3 * i]
    end
  end
  if ARGV[6] ~= '' then guards[1] = { code = 'epoch', epoch = ARGV[6] } end
  return { once = '', epoch = ARGV[5], guards = guards, ops = { op }, otherwise = {}, first = 1, writes = true }
end

function E.program()
  if MODE == 's' or MODE == 'p' then return E.run(E.short()) end
  if MODE == 't' then return E.tend(E.number(), E.number()) end
  if MODE == 'i' then return E.glance() end
  local batch = { once = E.arg(), epoch = E.arg() }
  batch.guards, batch.ops, batch.otherwise = E.parse(E.number()), E.parse(E.number()), E.parse(E.number())
  for _ = 1, E.number() do
    local map = E.arg()
    E.staged[E.arg()] = map == '' and H or (E.place(map))
  end
  for i, op in ipairs(batch.ops) do
    if op.writes and not batch.first then batch.first = i end
  end
  batch.writes = batch.first ~= nil
  return E.run(batch)
end

local fine, result = pcall(E.program)
if next(E.staged) then E.leave() end
if fine then return result end
if type(result) == 'table' and not result.err then return { 9, unpack(result) } end
error(result)
