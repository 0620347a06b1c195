-- Keep the mark for longer or shorter. A mark of a higher counter stays as it is.
-- keys: mark. args: counter; lifetime in milliseconds.
if tonumber(redis.call('GET', keys.mark) or '-1') <= tonumber(args.counter) then
    redis.call('SET', keys.mark, args.counter, 'PX', args.lifetime)
end
