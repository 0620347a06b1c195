"""
Sliding windows in Redis, which limit how often something happens in a period.

A window is stored as a list of times, oldest first. It is exact: no period of its length contains
more events than the limit, whenever the period begins.
"""

# Lua functions. A script that uses them begins with this text, and its ARGV[1] is the current time
# in milliseconds.
LUA = """
local now = tonumber(ARGV[1])

-- Return 0 if ``times`` more events fit, else the milliseconds until the oldest event expires.
local function wait(key, limit, window, times)
    local oldest = redis.call('LINDEX', key, 0)
    while oldest and tonumber(oldest) <= now - window do
        redis.call('LPOP', key)
        oldest = redis.call('LINDEX', key, 0)
    end
    if redis.call('LLEN', key) + times <= limit then return 0 end
    return math.max(1, math.min(window, (tonumber(oldest) or now) + window - now))
end

-- Add ``times`` events at the current time.
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
"""Periods in milliseconds."""
