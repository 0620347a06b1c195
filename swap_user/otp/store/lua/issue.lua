-- uses: codes
-- Issue a code, or use the pending one of the flow again. If the flow has moved, return the next one.
-- keys: last (the last counter of the account), codes (the pending codes of the flow), forward (the
--   next flow; missing without a flow), asker and anyone (tries left at codes without a flow; one of
--   them or both may be missing).
-- args: counter (the smallest new one), above (the last one that was accepted), now and expiry
--   (Unix time in milliseconds), half (of a lifetime, in milliseconds), tries (at each code);
--   for_asker and for_anyone (tries that the message adds, without a flow).
local flow = keys.forward and redis.call('GET', keys.forward)
if flow then return cjson.encode({flow = flow}) end

local function add_tries(code)
    for _, who in ipairs({'asker', 'anyone'}) do
        local key = keys[who]
        if key then
            redis.call('INCRBY', key, args['for_' .. who])
            local lifetime = math.max(1, tonumber(code.expiry) - args.now)
            if redis.call('PTTL', key) < lifetime then redis.call('PEXPIRE', key, lifetime) end
        end
    end
end

local live = {}
for _, code in ipairs(parse(redis.call('GET', keys.codes))) do
    if tonumber(code.expiry) > args.now and tonumber(code.counter) > tonumber(args.above) then
        live[#live + 1] = code
    end
end
local newest = live[#live]
if newest and newest.tries < args.tries and tonumber(newest.expiry) - args.now > args.half then
    add_tries(newest)
    return cjson.encode({counter = newest.counter, expiry = newest.expiry})
end

local counter = tonumber(args.counter)
local last = math.max(tonumber(redis.call('GET', keys.last) or '-1'), tonumber(args.above))
if last >= counter then counter = last + 1 end
local code = {
    counter = string.format('%.0f', counter), expiry = string.format('%.0f', args.expiry), tries = 0
}
-- At most two codes of a flow live at a time: the second is issued after half of the first's life.
live = {newest, code}
if not newest then live = {code} end
local lifetime = math.max(1, args.expiry - args.now)
redis.call('SET', keys.last, code.counter, 'PX', lifetime)
-- A job that was late issues a code that expires before another one.
if newest then lifetime = math.max(lifetime, tonumber(newest.expiry) - args.now) end
redis.call('SET', keys.codes, format(live), 'PX', lifetime)
add_tries(code)
return cjson.encode({counter = code.counter, expiry = code.expiry})
