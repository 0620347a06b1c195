-- It is not certain that the wrong guess of an attempt stays stored, so the attempt stays open.
-- keys: open. args: id, seconds (how long).
local now = tonumber(redis.call('TIME')[1])
redis.call('ZADD', keys.open, now + args.seconds, args.id)
redis.call('EXPIRE', keys.open, args.seconds * 2)
