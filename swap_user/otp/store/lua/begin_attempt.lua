-- uses: budgets, codes
-- Charge an attempt, and read the state of the login.
-- keys: open (the attempts in flight), shared and own (pending codes of no flow and of this flow),
--   far, shown. own and shown are missing without a flow. left1, left2, … (tries left at the shared
--   codes that the visitor has, see issue.lua; only if the code is long).
-- args: budgets; brake (a budget of visitors without a known address, in a list); id (of the
--   attempt) and lifetime (of an attempt in flight, in seconds) if the code is short; tries (at each
--   pending code of this flow) and at (Unix time of the caller in milliseconds) if the code is long.

local spent = full(args.budgets)
if spent then return cjson.encode({scope = spent.scope, retry_in = retry_in(spent)}) end
charge(args.budgets)
local is_braked = full(args.brake) ~= nil
if not is_braked then charge(args.brake) end

local now = tonumber(redis.call('TIME')[1])
local position = 0
-- An attempt that is braked is compared with nothing, so it takes no place.
if args.id and not is_braked then
    redis.call('ZREMRANGEBYSCORE', keys.open, '-inf', now - args.lifetime)
    redis.call('ZADD', keys.open, now, args.id)
    -- Another attempt may be kept for longer.
    if redis.call('TTL', keys.open) < args.lifetime then
        redis.call('EXPIRE', keys.open, args.lifetime)
    end
    position = redis.call('ZCARD', keys.open)
end

-- A try at a long code counts for each pending code. A code without tries left is left out.
local function own_codes()
    local value = keys.own and redis.call('GET', keys.own)
    if not value or not args.tries then return value or '' end
    local codes, left = parse(value), {}
    for _, code in ipairs(codes) do
        if code.tries < args.tries then
            left[#left + 1] = code
            code.tries = code.tries + 1
        end
    end
    redis.call('SET', keys.own, format(codes), 'KEEPTTL')
    return format(left)
end

local function take_try()
    local number = 1
    while keys['left' .. number] do
        local key = keys['left' .. number]
        if tonumber(redis.call('GET', key) or 0) > 0 then
            redis.call('DECR', key)
            return true
        end
        number = number + 1
    end
    return false
end

-- The tries at shared codes belong to the visitors. Each code takes one, the newest code first.
local function shared_codes()
    local value = redis.call('GET', keys.shared)
    if not value or not args.tries then return value or '' end
    local codes, found = parse(value), {}
    for i = #codes, 1, -1 do
        local code = codes[i]
        if code.tries < args.tries and tonumber(code.expiry) > args.at and take_try() then
            table.insert(found, 1, code)
        end
    end
    return format(found)
end

return cjson.encode({
    scope = '',
    now = now,
    position = position,
    is_braked = is_braked,
    shared = shared_codes(),
    own = own_codes(),
    far = redis.call('GET', keys.far) or '',
    shown = keys.shown and redis.call('GET', keys.shown) or '',
})
