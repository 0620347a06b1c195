-- Budgets are counters. Each one starts with its first event and expires with its window.
-- A budget: {at = number of its key in KEYS, limit =, window = in seconds, cost =, scope =}.

local function count(budget)
    return tonumber(redis.call('GET', KEYS[budget.at]) or 0)
end

-- Return the first budget without room, or nil.
local function full(budgets)
    for _, budget in ipairs(budgets) do
        if count(budget) + budget.cost > budget.limit then return budget end
    end
end

local function charge(budgets)
    for _, budget in ipairs(budgets) do
        local counted = redis.call('INCRBY', KEYS[budget.at], budget.cost)
        if counted == budget.cost then redis.call('EXPIRE', KEYS[budget.at], budget.window) end
    end
end

-- Take charges back. A counter that has expired meanwhile stays deleted.
local function refund(budgets)
    for _, budget in ipairs(budgets) do
        if count(budget) >= budget.cost then redis.call('DECRBY', KEYS[budget.at], budget.cost) end
    end
end

-- Charge the first choice, a list of budgets, that has room in all of them. Return its number, or
-- nil and the budget without room that was found last.
local function charge_one(choices)
    local spent
    for number, budgets in ipairs(choices) do
        spent = full(budgets)
        if not spent then
            charge(budgets)
            return number
        end
    end
    return nil, spent
end

-- Return the seconds until a budget that has no room expires.
local function retry_in(budget)
    return math.max(1, math.ceil(redis.call('PTTL', KEYS[budget.at]) / 1000))
end
