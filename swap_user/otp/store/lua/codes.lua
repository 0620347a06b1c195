-- The pending codes of a flow: "counter:expiry:tries" for each, joined by commas, oldest first.
-- The expiry is Unix time in milliseconds; the tries are those at ten digits.

local function parse(value)
    local codes = {}
    for counter, expiry, tries in string.gmatch(value or '', '(%d+):(%d+):(%d+)') do
        codes[#codes + 1] = {counter = counter, expiry = expiry, tries = tonumber(tries)}
    end
    return codes
end

local function format(codes)
    local texts = {}
    for i, code in ipairs(codes) do
        texts[i] = string.format('%s:%s:%d', code.counter, code.expiry, code.tries)
    end
    return table.concat(texts, ',')
end

-- The tries of a code that was accepted, or whose flow has accepted another one. It is not sent
-- again. It stays until it expires, so that a double click finds it used, which is no wrong guess.
local USED = 1000000

local function used_up(codes)
    for _, code in ipairs(codes) do code.tries = USED end
    return format(codes)
end
