-- An attempt is over, and its wrong guess is stored.
-- keys: open. args: id.
redis.call('ZREM', keys.open, args.id)
