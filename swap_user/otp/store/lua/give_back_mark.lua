-- uses: codes
-- The counter was not consumed after all.
-- keys: mark; codes, if the mark used up pending codes.
-- args: counter; before (the mark before, or ""); lifetime of it in milliseconds; codes (as they
--   were before).
if redis.call('GET', keys.mark) ~= args.counter then return end
redis.call('DEL', keys.mark)
if args.before ~= '' then redis.call('SET', keys.mark, args.before, 'PX', args.lifetime) end
if keys.codes and redis.call('GET', keys.codes) == used_up(parse(args.codes)) then
    redis.call('SET', keys.codes, args.codes, 'KEEPTTL')
end
