"""
Limits on requests for codes. The request charges only its own address or browser.

What it does is the same for every username (R33). The job charges the messages, see ``messages``.
"""

import logging

from swap_user.otp import audit
from swap_user.otp.store import scripts
from swap_user.otp.throttling import budgets
from swap_user.otp.visitors.visitor import Visitor

_ASK = scripts.JSONScript(scripts.read("ask"))


def charge(account_key: str, visitor: Visitor) -> bool | None:
    """
    Charge a request for a code, and begin the tries of its flow again.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        visitor: the visitor who requests the code.

    Returns:
        None if a limit is reached. Otherwise, whether the code must have ten digits because the
        address of the visitor has no guess at a short one left.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    tries = budgets.tries_key(account_key, visitor.flow) if visitor.flow else None
    guesses = [*budgets.guesses_by_address(visitor), *budgets.guess_brake(visitor)]
    answer = _ASK({"tries": tries}, budgets=budgets.asks(account_key, visitor), guesses=guesses)
    if answer["scope"]:
        audit.record(logging.WARNING, "send limited", account=account_key, scope=answer["scope"])
        return None
    return bool(answer["is_long"])
