-- uses: budgets
-- Charge the first of several choices. Return its number, or 0 and the scope of a spent budget.
-- args: choices (lists of budgets).
local number, spent = charge_one(args.choices)
return cjson.encode({number = number or 0, scope = spent and spent.scope or ''})
