"""The transactions of the Redis ledger, as Lua scripts that the server runs one at a time.

An account is a hash, a reservation is a hash, and a sorted set holds the open reservations by the end of their lease.
Lua counts in float64: whole numbers are exact up to ``MOST_NANO``, and are written by ``HINCRBY`` without a fraction.
"""

from __future__ import annotations

_NOW = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local function whole(x) return x == 0 and '0' or string.format('%.0f', x) end  -- HINCRBY refuses '-0'
local function real(x) return string.format('%.17g', x) end
local function decay(key, field, factor, add)
  redis.call('HSET', key, field, real(tonumber(redis.call('HGET', key, field)) * factor + add))
end
"""

# KEYS: the shared account, accounts. ARGV: tenants, then caps. Returns the place of the first account with another
# cap, and that cap.
OPEN = (
    _NOW
    + """
local count = #KEYS - 1
for i = 1, count do
  local cap = redis.call('HGET', KEYS[i + 1], 'cap')
  if cap and cap ~= ARGV[count + i] then return {i, cap} end
end
for i = 1, count do
  local key, tenant, cap = KEYS[i + 1], ARGV[i], ARGV[count + i]
  if redis.call('HEXISTS', key, 'cap') == 0 then
    redis.call('HSET', key, 'tenant', tenant, 'cap', cap, 'opened_at', real(now), 'spent', 0, 'reserved', 0,
      'expected', 0, 'granted', 0, 'over', 0, 'calls', 0, 'settled', 0, 'choice_usd', 0, 'curve_usd', 0,
      'bill_usd', 0, 'forecast_usd', 0)
    if tenant ~= '' and redis.call('HEXISTS', KEYS[1], 'cap') == 1 then
      redis.call('HINCRBY', KEYS[1], 'granted', cap)
    end
  end
end
return {}
"""
)

# KEYS: the shared account, an account. ARGV: its cap, its tenant. Returns whether the account is there.
CHANGE = (
    _NOW
    + """
if redis.call('EXISTS', KEYS[2]) == 0 then return 0 end
local more = tonumber(ARGV[1]) - tonumber(redis.call('HGET', KEYS[2], 'cap'))
redis.call('HSET', KEYS[2], 'cap', ARGV[1])
if ARGV[2] ~= '' then redis.call('HINCRBY', KEYS[1], 'granted', whole(more)) end
return 1
"""
)

# KEYS: accounts. Returns the clock, then the fields and values of every account.
READ = (
    _NOW
    + """
local read = {real(now)}
for i = 1, #KEYS do read[i + 1] = redis.call('HGETALL', KEYS[i]) end
return read
"""
)

# KEYS: the reservation, the set of open ones, accounts. ARGV: see ``RedisLedger.reserve``.
# Returns 'reserved', or 'missing' or 'short' with the place of the account and the money left there.
RESERVE = (
    _NOW
    + """
local id, period, tenant, amount, expected, hard = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
if redis.call('EXISTS', KEYS[1]) == 1 then return {'reserved'} end
local place, least
for i = 3, #KEYS do
  local sums = redis.call('HMGET', KEYS[i], 'cap', 'spent', 'reserved')
  if not sums[1] then return {'missing', i - 3} end
  local left = tonumber(sums[1]) - tonumber(sums[2]) - tonumber(sums[3])
  if least == nil or left < least then place, least = i - 3, left end
end
if hard == '1' and least < tonumber(amount) then return {'short', place, whole(least)} end
for i = 3, #KEYS do
  redis.call('HINCRBY', KEYS[i], 'reserved', amount)
  redis.call('HINCRBY', KEYS[i], 'expected', expected)
  redis.call('HINCRBY', KEYS[i], 'calls', 1)
  decay(KEYS[i], 'choice_usd', tonumber(ARGV[7]), tonumber(ARGV[8]))
  decay(KEYS[i], 'curve_usd', tonumber(ARGV[7]), tonumber(ARGV[9]))
end
local expires = real(now + tonumber(ARGV[10]))
redis.call('HSET', KEYS[1], 'state', 'open', 'period', period, 'tenant', tenant, 'amount', amount, 'expected', expected,
  'hard', hard, 'cost', 0, 'price', ARGV[11], 'policy_sha256', ARGV[12], 'opened_at', real(now), 'expires_at', expires)
redis.call('ZADD', KEYS[2], expires, id)
return {'reserved'}
"""
)

# KEYS: the reservation, the set of open ones, accounts. ARGV: id, outcome, cost, decay of bills, seconds to keep it.
# Returns 'closed', 'unknown', 'missing' with the place of an account, or 'other' with its state and cost. The
# cost of an expired one is the amount reserved.
CLOSE = (
    _NOW
    + """
local id, outcome = ARGV[1], ARGV[2]
local held = redis.call('HMGET', KEYS[1], 'state', 'amount', 'expected', 'hard', 'cost')
if not held[1] then return {'unknown'} end
local state, amount, expected = held[1], tonumber(held[2]), tonumber(held[3])
local cost = outcome == 'expired' and amount or tonumber(ARGV[3])
if state ~= 'open' and state ~= 'expired' then
  if outcome == 'expired' or (state == outcome and tonumber(held[5]) == cost) then return {'closed'} end
  return {'other', state, held[5]}
end
if state == outcome then return {'closed'} end
for i = 3, #KEYS do
  if redis.call('HEXISTS', KEYS[i], 'cap') == 0 then return {'missing', i - 3} end  -- before anything is written
end
local open, bill = state == 'open', outcome == 'settled'
local over = held[4] == '1' and cost > amount and cost - amount or 0
for i = 3, #KEYS do
  redis.call('HINCRBY', KEYS[i], 'spent', whole(cost - (open and 0 or tonumber(held[5]))))
  redis.call('HINCRBY', KEYS[i], 'over', whole(over))
  if open then
    redis.call('HINCRBY', KEYS[i], 'reserved', whole(-amount))
    redis.call('HINCRBY', KEYS[i], 'expected', whole(-expected))
  end
  if outcome == 'released' then redis.call('HINCRBY', KEYS[i], 'calls', -1) end  -- it was not made
  if bill then
    redis.call('HINCRBY', KEYS[i], 'settled', 1)
    decay(KEYS[i], 'bill_usd', tonumber(ARGV[4]), cost / 1e9)
    decay(KEYS[i], 'forecast_usd', tonumber(ARGV[4]), expected / 1e9)
  end
end
redis.call('HSET', KEYS[1], 'state', outcome, 'cost', whole(cost), 'closed_at', real(now))
redis.call('ZREM', KEYS[2], id)
redis.call('PEXPIRE', KEYS[1], whole(tonumber(ARGV[5]) * 1000))
return {'closed'}
"""
)
