"""
The clock of a simulation, and what Redis makes of it.

The clock of Redis is the real one. So ``Clock`` takes from the keys that live longer than a day
the time that has passed, see ``_PASS``; shorter ones hold the times that count, and are cleared
away once they are over.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import time_machine

from swap_user.otp.store import keys, scripts

MINUTE, HOUR, DAY = 60, 3600, 86_400
BEGIN = 1_800_000_000 // DAY * DAY

# Whoever pauses for 90 days is new to the account again (``sends._NEW_AGAIN``); one day more,
# because what lies in Redis gets older once a day only.
NEW_AGAIN = 91 * DAY

# KEYS: none. ARGV: how many ms have passed, now in ms, patterns of keys that live for longer than
# a day. Those get older by what has passed; of the others, strings are over after an hour, and
# lists when their last entry is older than a day.
_PASS = """
local long = {}
for i = 3, #ARGV do
    for _, key in ipairs(redis.call('KEYS', ARGV[i])) do long[key] = true end
end
for _, key in ipairs(redis.call('KEYS', '*')) do
    if long[key] then
        local left = redis.call('PTTL', key) - tonumber(ARGV[1])
        if left > 0 then redis.call('PEXPIRE', key, left) else redis.call('DEL', key) end
    elseif string.find(key, 'newcomers', 1, true) then
        -- It holds the times that count, however long it lives.
    elseif redis.call('TYPE', key).ok == 'string' then
        redis.call('DEL', key)
    elseif tonumber(redis.call('LINDEX', key, -1)) <= tonumber(ARGV[2]) - 86400000 then
        redis.call('DEL', key)
    end
end
return 1
"""


@dataclass
class Clock:
    """The time in the test, in seconds since 1970; ``account`` is whose keys are long-lived."""

    traveller: Any
    account: str
    now: float = BEGIN
    aged_at: float = BEGIN

    def move_to(self, moment: float) -> None:
        """Let the time be ``moment``, but never earlier than it is."""
        self.now = max(self.now, moment)
        self.traveller.move_to(self.now)

    def age(self) -> None:
        """Let what is stored in Redis get older by what has passed since the last time."""
        passed, self.aged_at = self.now - self.aged_at, self.now
        names = ("guesses*", "weight", "asked:*", "browsers")
        long_lived = [keys.redis_key(self.account, name).replace("[", "\\[") for name in names]
        with scripts._reached() as client:
            client.eval(_PASS, 0, int(passed * 1000), int(self.now * 1000), *long_lived)


@contextmanager
def clock_of(account: str) -> Iterator[Clock]:
    """Give a clock that stands still until it is moved."""
    with time_machine.travel(BEGIN, tick=False) as traveller:
        yield Clock(traveller, account)
