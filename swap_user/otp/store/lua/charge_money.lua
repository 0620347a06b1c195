-- uses: budgets
-- Charge a message to budgets in money, if it has room in all of them.
-- keys: low, spent (set for a while after each signal).
-- args: budgets, rooms (what this message may use of each), low (when little is left of each),
-- silence (seconds between two signals).
local whole, scope = {}, ''
for i, budget in ipairs(args.budgets) do
    whole[i] = budget.limit
    budget.limit = args.rooms[i]
end
local spent = full(args.budgets)
if not spent then charge(args.budgets) end
local state = ''
for i, budget in ipairs(args.budgets) do
    local is_spent = spent and count(budget) + budget.cost > whole[i]
    local is_low = count(budget) >= args.low[i] or budget == spent
    if is_spent and state ~= 'spent' then
        state, scope = 'spent', budget.scope
    elseif is_low and state == '' then
        state, scope = 'low', budget.scope
    end
end
local signal = state ~= '' and redis.call('SET', keys[state], '1', 'NX', 'EX', args.silence)
return cjson.encode({
    charged = not spent,
    scope = spent and state == 'low' and spent.scope or scope,
    state = state,
    signal = signal and true or false,
})
