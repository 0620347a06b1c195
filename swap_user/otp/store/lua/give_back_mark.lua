-- The counter was not consumed after all.
-- keys: mark; codes, if the mark deleted pending codes.
-- args: counter; before (the mark before, or ""); lifetime of it in milliseconds; codes and
--   codes_lifetime: what was deleted, and how long it is kept, in milliseconds.
if redis.call('GET', keys.mark) ~= args.counter then return end
redis.call('DEL', keys.mark)
if args.before ~= '' then redis.call('SET', keys.mark, args.before, 'PX', args.lifetime) end
if keys.codes then redis.call('SET', keys.codes, args.codes, 'PX', args.codes_lifetime, 'NX') end
