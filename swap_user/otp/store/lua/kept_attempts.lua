-- Return the time, and how many attempts at an account are kept: see keep_attempt.lua.
-- keys: open.
local now = tonumber(redis.call('TIME')[1])
return cjson.encode({now = now, kept = redis.call('ZCOUNT', keys.open, now + 1, '+inf')})
