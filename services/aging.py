"""Simulated time for a Redis server: all its keys get older."""

from __future__ import annotations

import redis

# ARGV: how much time has passed, in milliseconds. The scores of sorted sets are times in seconds.
_AGE = """
local passed = tonumber(ARGV[1])
for _, key in ipairs(redis.call('KEYS', '*')) do
    local left = redis.call('PTTL', key)
    if left >= 0 and left <= passed then
        redis.call('DEL', key)
    elseif left >= 0 then
        redis.call('PEXPIRE', key, left - passed)
        if redis.call('TYPE', key).ok == 'zset' then
            local found = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
            for i = 1, #found, 2 do
                redis.call('ZADD', key, found[i + 1] - passed / 1000, found[i])
            end
        end
    end
end
"""


def age(client: redis.Redis, seconds: float) -> None:
    """Let every key of the server get older by `seconds`, as if so much time had passed.

    The server's own clock, which TIME returns, stays as it is.
    """
    client.eval(_AGE, 0, round(seconds * 1000))
