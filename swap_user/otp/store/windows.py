"""
Sliding windows in Redis: how often something happened within the last so many milliseconds.

A list of times, oldest first. It is exact: in no span as long as the window does more fit than
the limit, wherever the span begins.
"""

# Lua functions for the beginning of a script that has ``now`` in milliseconds in ARGV[1].
LUA = """
local now = tonumber(ARGV[1])

-- 0 if so many more fit, else in how many milliseconds the next one does.
local function wait(key, limit, window, times)
    local oldest = redis.call('LINDEX', key, 0)
    while oldest and tonumber(oldest) <= now - window do
        redis.call('LPOP', key)
        oldest = redis.call('LINDEX', key, 0)
    end
    if redis.call('LLEN', key) + times <= limit then return 0 end
    return math.max(1, math.min(window, (tonumber(oldest) or now) + window - now))
end

local function add(key, times, lifetime)
    local entries = {}
    for i = 1, times do entries[i] = ARGV[1] end
    if times > 0 then redis.call('RPUSH', key, unpack(entries)) end
    redis.call('PEXPIRE', key, lifetime)
end
"""

HOUR = 3_600_000
DAY = 24 * HOUR
YEAR = 365 * DAY
"""In milliseconds."""
