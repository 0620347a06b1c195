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
