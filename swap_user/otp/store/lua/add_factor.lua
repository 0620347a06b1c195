-- Record a shown factor, and move the state of the login to the next flow.
-- keys: shown; from0 and to0, from1 and to1, … (what the first holds moves to the second); forward
--   (tells jobs that were queued before where the flow has moved).
-- args: entry; moved (the number of such pairs); flow (the next one); seconds (lifetime of the
--   factor).
for number = 0, args.moved - 1 do
    local from, to = keys['from' .. number], keys['to' .. number]
    if redis.call('EXISTS', from) == 1 then redis.call('RENAME', from, to) end
end
local shown = redis.call('GET', keys.shown)
shown = shown and (shown .. ',' .. args.entry) or args.entry
redis.call('SET', keys.shown, shown, 'EX', args.seconds)
if keys.forward then redis.call('SET', keys.forward, args.flow, 'EX', args.seconds) end
