"""Deletes from Redis what is pending for an account."""

import uuid
from collections.abc import Iterable
from contextlib import suppress

from swap_user.otp.challenges import challenge, resync, unbound
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.store import keys, scripts

_DELETE = scripts.Script("return redis.call('DEL', unpack(KEYS))")


def forget(account_key: str, authenticators: Iterable[uuid.UUID] = ()) -> None:
    """
    Delete the challenge that is bound to no session, and the marks of authenticators.

    The challenges and the shown factors of a session have keys that only this session knows. They
    expire within ten minutes, and none of them works without its authenticator or its user. Budgets
    of addresses, receivers and the site stay. If Redis can't be reached, everything expires by
    itself.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        authenticators: the ids of authenticators that are deleted too.
    """
    names = [
        challenge.last_counter_key(account_key),
        challenge.challenge_key(account_key, None),
        unbound.tries_left_key(account_key),
        resync.far_code_key(account_key),
        *(keys.redis_key(account_key, "consumed", each.hex) for each in authenticators),
    ]
    with suppress(LoginUnavailable):
        _DELETE({str(number): name for number, name in enumerate(names)})
