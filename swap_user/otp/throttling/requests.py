"""
Limits on requests for codes. The request charges only its own address or browser.

What it does is the same for every username (R33). The job charges the messages, see ``messages``.
"""

import logging
from dataclasses import dataclass

from swap_user.otp import audit
from swap_user.otp.store import scripts
from swap_user.otp.throttling import budgets
from swap_user.otp.visitors.visitor import Visitor
from swap_user.signals import send_limited

_ASK = scripts.JSONScript(scripts.read("ask"))


@dataclass(frozen=True, slots=True)
class Charged:
    """
    A request for a code that was charged.

    Attributes:
        is_long: whether the code must have ten digits because the address of the visitor has no
            guess at a short one left.
        is_known: whether it was charged to the browser, which claims to be known for the account.
    """

    is_long: bool
    is_known: bool


def charge(account_key: str, visitor: Visitor) -> Charged | None:
    """
    Charge a request for a code, and begin the tries of its flow again.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        visitor: the visitor who requests the code.

    Returns:
        What was charged, or None if a limit is reached.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    tries = budgets.tries_key(account_key, visitor)
    guesses = [*budgets.guesses_by_address(visitor), *budgets.guess_brake(visitor)]
    of_browser = budgets.asks_of_browser(account_key, visitor)
    spent = ""
    for choice in filter(None, (of_browser, budgets.asks_by_address(visitor))):
        answer = _ASK({"tries": tries}, budgets=choice, guesses=guesses)
        spent = answer["scope"]
        if not spent:
            return Charged(is_long=answer["is_long"], is_known=choice is of_browser)
    report_limit(account_key, spent)
    return None


def report_limit(account_key: str, scope: str) -> None:
    """
    Log that no code is sent because a limit is reached, and send the signal ``send_limited``.

    Args:
        account_key: the account key, see ``keys.account_key()``.
        scope: the limit.
    """
    audit.record(logging.WARNING, "send limited", account=account_key, scope=scope)
    send_limited.send_robust(None, account=account_key, scope=scope)
