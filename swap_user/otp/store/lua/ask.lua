-- uses: budgets
-- Charge a request for a code, and begin the tries of its flow again.
-- keys: tries (of the flow at long codes; missing without a flow).
-- args: budgets; guesses (budgets of the address, which are only read).
local spent = full(args.budgets)
if spent then return cjson.encode({scope = spent.scope, retry_in = retry_in(spent)}) end
charge(args.budgets)
if keys.tries then redis.call('DEL', keys.tries) end
return cjson.encode({scope = '', is_long = full(args.guesses) ~= nil})
