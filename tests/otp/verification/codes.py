"""A code of each kind, and what Redis can lose after it was used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import redis

from services.redis import RedisServer
from swap_user.otp import generate_recovery_codes
from swap_user.otp.crypto import hotp
from swap_user.testing import wait_for_deliveries
from tests.support import NOW, RFC_SECRET, ask, give, totp

HOUR = 3_600_000  # milliseconds


def _totp(user: Any, request: Any) -> str:
    give(user, "totp")
    return totp(NOW)


def _hotp(user: Any, request: Any) -> str:
    give(user, "hotp")
    return hotp.code_at(RFC_SECRET, 3)


# How a user comes by a code of each kind, with the clock at NOW.
CODES: dict[str, Callable[[Any, Any], str]] = {
    "sent": lambda user, request: ask(request),
    "totp": _totp,
    "hotp": _hotp,
    "recovery": lambda user, request: generate_recovery_codes(user)[0],
}


def nothing(server: RedisServer) -> None:
    """Redis keeps everything."""


def an_hour(server: RedisServer) -> None:
    """An hour passes: what expires within it is gone."""
    assert wait_for_deliveries()
    with redis.Redis.from_url(server.url) as client:
        for key in client.keys("*"):
            if 0 < client.pttl(key) <= HOUR:
                client.delete(key)


def flushall(server: RedisServer) -> None:
    """Redis is emptied, once the work in the background is done."""
    assert wait_for_deliveries()
    server.flush()


LOSSES: dict[str, Callable[[RedisServer], None]] = {
    "nothing": nothing,
    "an hour": an_hour,
    "FLUSHALL": flushall,
}


class Challenges:
    """The pending challenges, which come back from a copy: only single use is in question."""

    def __init__(self, server: RedisServer) -> None:
        self.server = server
        with redis.Redis.from_url(server.url) as client:
            self.copies = {key: client.dump(key) for key in client.keys("*:challenge:*")}

    def restore(self) -> None:
        """Put them back."""
        with redis.Redis.from_url(self.server.url) as client:
            for key, copy in self.copies.items():
                client.restore(key, 0, copy, replace=True)
