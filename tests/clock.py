"""The clock of a test, which Redis keeps too."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

import redis
import time_machine

from services.aging import age
from swap_user.conf import swap_user_settings
from swap_user.otp.store import connection


class Clock:
    """
    A clock that stands still until it is moved.

    Redis ages with it: keys whose time is over are deleted, and the others live for so much less.
    Their real time runs on, so leave them some seconds.
    """

    def __init__(self, traveller: Any) -> None:
        self._traveller = traveller
        self.ahead = 0.0  # of the clock of Redis, in seconds

    def shift(self, seconds: float) -> None:
        """Let time pass. If it is negative, the clock of this server is set back; see skew()."""
        if seconds < 0:
            self.skew(seconds)
            return
        self._traveller.shift(seconds)
        with suppress(redis.RedisError, OSError, connection.NotRedis):  # it may be away
            age(connection.client(swap_user_settings.OTP_CACHE), seconds)

    def move_to(self, moment: float) -> None:
        """Let time pass until a moment: Unix time in seconds."""
        self.shift(moment - time.time())

    def skew(self, seconds: float) -> None:
        """Set the clock of this server wrong. That of Redis goes on as before."""
        self._traveller.shift(seconds)
        self.ahead += seconds


def travelled(original: Callable[..., int], clock: Callable[[], Clock | None]) -> Any:
    """
    Return a function that returns the time of the Redis server in a test that moves Python's clock.

    Args:
        original: returns its real time.
        clock: returns the clock of the test, if it has one.
    """

    @wraps(original)
    def server_time(*args: Any) -> int:
        real = original(*args)
        if not time_machine.escape_hatch.is_travelling():
            return real
        mine = clock()
        return int(time.time() - (mine.ahead if mine else 0))

    return server_time
