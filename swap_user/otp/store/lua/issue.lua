-- uses: codes
-- Issue a code, or use the pending one of the flow again. If the flow has moved, return the next one.
-- keys: last (the last counter of the account), codes (the pending codes of the flow), forward (the
--   next flow; missing without a flow).
-- args: counter (the smallest new one), above (the last one that was accepted), now and expiry
--   (Unix time in milliseconds), half (of a lifetime, in milliseconds), tries (at each code).
local flow = keys.forward and redis.call('GET', keys.forward)
if flow then return cjson.encode({flow = flow}) end

local live = {}
for _, code in ipairs(parse(redis.call('GET', keys.codes))) do
    if tonumber(code.expiry) > args.now and tonumber(code.counter) > tonumber(args.above) then
        live[#live + 1] = code
    end
end
local newest = live[#live]
if newest and newest.tries < args.tries and tonumber(newest.expiry) - args.now > args.half then
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
redis.call('SET', keys.codes, format(live), 'PX', lifetime)
return cjson.encode({counter = code.counter, expiry = code.expiry})
