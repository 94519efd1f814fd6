-- Numbers as JSON text: sums of integers are exact to 64 bits, floats have their shortest form.

if E.writes then -- what is not defined costs nothing

function E.digits_of(text)
  local sign, digits = text:match('^(%-?)0*(%d+)$')
  return sign == '-' and digits ~= '0', digits
end

function E.less(a, b)
  if #a ~= #b then return #a < #b end
  return a < b
end

function E.limbs(digits)
  local found = {}
  for last = #digits, 1, -7 do
    insert(found, tonumber(digits:sub(math.max(1, last - 6), last)))
  end
  return found
end

function E.combine(a, b, factor)
  local x, y, result, carry = E.limbs(a), E.limbs(b), {}, 0
  for i = 1, math.max(#x, #y) + 1 do
    local sum = (x[i] or 0) + factor * (y[i] or 0) + carry
    carry = math.floor(sum / 10000000)
    insert(result, 1, string.format('%07d', sum - carry * 10000000))
  end
  local _, digits = E.digits_of(table.concat(result))
  return digits
end

function E.add_integers(a, b)
  local below, x = E.digits_of(a)
  local under, y = E.digits_of(b)
  local digits, minus
  if below == under then
    digits, minus = E.combine(x, y, 1), below
  elseif E.less(x, y) then
    digits, minus = E.combine(y, x, -1), under
  else
    digits, minus = E.combine(x, y, -1), below
  end
  local limit = minus and '9223372036854775808' or '9223372036854775807'
  if E.less(limit, digits) then return nil end
  return (minus and digits ~= '0' and '-' or '') .. digits
end

-- The layout that msgspec and Python give a float: exponents below -5 and above 15 are written out.
function E.float_text(value)
  local shortest
  for precision = 0, 16 do
    shortest = string.format('%.' .. precision .. 'e', value)
    if tonumber(shortest) == value then break end
  end
  local sign, lead, rest, exponent = shortest:match('^(%-?)(%d)%.?(%d*)e([+-]%d+)$')
  local digits, shift = lead .. rest, tonumber(exponent)
  digits = digits:gsub('0+$', '')
  if digits == '' then return sign .. '0.0' end
  if shift < -5 or shift > 15 then
    local tail = digits:sub(2)
    return sign .. digits:sub(1, 1) .. (tail ~= '' and '.' .. tail or '') .. 'e' .. string.format('%d', shift)
  end
  if shift < 0 then return sign .. '0.' .. ('0'):rep(-shift - 1) .. digits end
  if #digits <= shift + 1 then return sign .. digits .. ('0'):rep(shift + 1 - #digits) .. '.0' end
  return sign .. digits:sub(1, shift + 1) .. '.' .. digits:sub(shift + 2)
end

function E.is_integer(text) return text:match('^%-?%d+$') ~= nil end

function E.is_float(text)
  local whole, fraction, exponent = text:match('^%-?(%d+)(%.?%d*)([eE]?[+-]?%d*)$')
  if not whole or (#whole > 1 and whole:byte() == 48) then return false end
  if fraction == '.' or (exponent ~= '' and not exponent:match('^[eE][+-]?%d+$')) then return false end
  return fraction ~= '' or exponent ~= ''
end

-- The sum as JSON text; nil and why where there is none.
function E.increased(value, by)
  local text = '0'
  if value then
    text = value:sub(1, 1) == 'j' and value:sub(2):match('^[ \t\r\n]*(.-)[ \t\r\n]*$') or ''
    local whole = E.is_integer(text) and not text:match('^%-?0%d')
    if not whole and not E.is_float(text) then return nil, 'number' end
  end
  if E.is_integer(text) and E.is_integer(by) then
    local sum = E.add_integers(text, by)
    if not sum then return nil, 'integers' end
    return sum
  end
  local sum = tonumber(text) + tonumber(by)
  if sum ~= sum or sum == math.huge or sum == -math.huge then return nil, 'range' end
  return E.float_text(sum)
end

end
