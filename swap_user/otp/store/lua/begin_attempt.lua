-- uses: budgets, codes
-- Charge an attempt, and read the state of the login.
-- keys: open (the attempts in flight), shared and own (pending codes of no flow and of this flow),
--   far, shown. own and shown are missing without a flow.
-- args: budgets; brake (a budget of visitors without a known address, in a list); id (of the
--   attempt) and lifetime (of an attempt in flight, in seconds) if the code is short; tries (at each
--   pending code) if the code is long.

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
local function pending(key)
    local value = key and redis.call('GET', key)
    if not value or not args.tries then return value or '' end
    local codes, left = parse(value), {}
    for _, code in ipairs(codes) do
        if code.tries < args.tries then
            left[#left + 1] = code
            code.tries = code.tries + 1
        end
    end
    redis.call('SET', key, format(codes), 'KEEPTTL')
    return format(left)
end

return cjson.encode({
    scope = '',
    now = now,
    position = position,
    is_braked = is_braked,
    shared = pending(keys.shared),
    own = pending(keys.own),
    far = redis.call('GET', keys.far) or '',
    shown = keys.shown and redis.call('GET', keys.shown) or '',
})
