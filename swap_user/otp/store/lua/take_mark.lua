-- uses: budgets, codes
-- Consume a counter. Return the mark before and the pending codes that were used up, or nil.
-- keys: mark; codes (the pending codes of the flow that the code belongs to), open (the attempts in
--   flight); both may be missing.
-- args: counter; lifetime (of the mark, in milliseconds); id (of the attempt); budgets.

-- A right code is no guess, even if it was used before (after a double click).
if keys.open then redis.call('ZREM', keys.open, args.id) end
refund(args.budgets)

local highest, value, codes = args.counter, '', {}
if keys.codes then
    value = redis.call('GET', keys.codes)
    codes = parse(value)
    local found = false
    for _, code in ipairs(codes) do
        found = found or (code.counter == args.counter and code.tries < USED)
        if tonumber(code.counter) > tonumber(highest) then highest = code.counter end
    end
    if not found then return false end
end
local before = redis.call('GET', keys.mark) or ''
if (tonumber(before) or -1) >= tonumber(args.counter) then return false end
-- All messages of the flow are used up with the first that is accepted.
redis.call('SET', keys.mark, highest, 'PX', args.lifetime)
if keys.codes then redis.call('SET', keys.codes, used_up(codes), 'KEEPTTL') end
return cjson.encode({before = before, counter = highest, codes = value})
