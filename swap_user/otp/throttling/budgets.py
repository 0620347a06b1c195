"""
The budgets that Redis holds, for an hour or a day. They may be forgotten.

What the arithmetic of a year counts is in the database, see ``guesses`` and ``messages``.
"""

from typing import Literal

from swap_user.conf import limits
from swap_user.otp.challenges import unbound
from swap_user.otp.store.budgets import DAY, HOUR, Budget
from swap_user.otp.store.keys import keyed_hash, redis_key
from swap_user.otp.visitors import client_ip
from swap_user.otp.visitors.visitor import Origin, Visitor

# An attacker may have a whole IPv6 /48, so the /48 has a budget too, of this many times the limit
# of a /64.
_NETWORK_FACTOR = 10

# Visitors whose address is not known share a budget of this many times the limit of an address. It
# slows down attacks on many accounts, and must not be in the way of a site behind a proxy whose
# header is not configured.
_UNKNOWN_FACTOR = 100

# A network with so many messages in a day gets no extra one.
_RARELY = 2

# The part of the messages of the site that is left to known browsers, and to notices of what
# strangers can't cause.
_RESERVE = 0.2

# How long the tries of a flow are counted, in seconds: as long as a code can live.
_FLOW = 600


def guesses_by_address(visitor: Visitor) -> list[Budget]:
    """Return the budgets of a stranger's short code, whatever the account."""
    return _by_address(visitor, "guesses_per_address") if visitor.address else []


def guess_brake(visitor: Visitor) -> list[Budget]:
    """Return the budget of short codes of all visitors whose address is not known."""
    return [] if visitor.address else _by_address(visitor, "guesses_per_address")


def asks_of_browser(account_key: str, visitor: Visitor) -> list[Budget]:
    """
    Return the budget of a request for a code by a known browser, or [] for strangers.

    It is charged to no address, so that strangers in the same network can't use up what the owner
    needs. There are as many requests as known browsers can have messages in a day. After them, the
    browser is a stranger.
    """
    most = limits.limit("known_messages_per_account")
    browser = visitor.known_browser(account_key)
    if not most or not browser:
        return []
    return [Budget(redis_key(account_key, "asks", browser), most, HOUR, "browser")]


def asks_by_address(visitor: Visitor) -> list[Budget]:
    """Return the budgets of a request for a code by a stranger."""
    return _by_address(visitor, "asks_per_address")


def tries_of(account_key: str, visitor: Visitor) -> list[Budget]:
    """
    Return the budget of long codes in a flow. The next request for a code begins it again.

    It tells visitors when to ask for another code. The security is in the tries of the challenge,
    which no visitor without a challenge has. Visitors without a flow share it with their network,
    unless their browser is known. Without a known address they have none.
    """
    key = tries_key(account_key, visitor)
    return [Budget(key, limits.TRIES_PER_CODE, _FLOW, "code")] if key else []


def tries_key(account_key: str, visitor: Visitor) -> str | None:
    """Return the Redis key of the visitor's tries at long codes, or None if they have no limit."""
    if visitor.flow is not None:
        return flow_tries_key(account_key, visitor.flow)
    who = askers(account_key, visitor)
    return redis_key(account_key, "code_tries", "-", who[0]) if who else None


def flow_tries_key(account_key: str, flow: str) -> str:
    """Return the Redis key of the tries at long codes of a flow."""
    return redis_key(account_key, "code_tries", flow)


def askers(account_key: str, visitor: Visitor) -> list[str]:
    """Return who has tries of their own at codes without a flow, see ``unbound.askers()``."""
    return unbound.askers(visitor.known_browser(account_key), visitor.origin.network)


def network(key: str, origin: Origin) -> Budget:
    """
    Return the budget of extra messages for the network of a subscriber.

    Args:
        key: the account key, or a hash of the receiver.
        origin: where the request came from. Its network is known.
    """
    return Budget(redis_key(key, "messages_from", origin.network), _RARELY, DAY, "network")


def neighbourhood(key: str, origin: Origin) -> Budget:
    """
    Return the budget of extra messages for the network of a provider.

    Args:
        key: the account key, or a hash of the receiver.
        origin: where the request came from. Its network is known.
    """
    per_hour = limits.limit("newcomers_per_neighbourhood")
    return Budget(
        redis_key(key, "messages_from", origin.neighbourhood), per_hour, HOUR, "neighbourhood"
    )


def messages_to(
    receiver: str, origin: Origin, *, is_known: bool, has_reserve: bool
) -> list[list[Budget]]:
    """
    Return the choices of budgets for a message: those of its receiver, each with the site's.

    They are like those of an account, because several accounts may have the same receiver.

    Args:
        receiver: the address or phone number.
        origin: where the request came from.
        is_known: whether the message was charged to known browsers, or it is a notice.
        has_reserve: whether it may use what the site reserves.
    """
    key, site = _of_receiver(receiver), _of_site(has_reserve=has_reserve)
    if is_known:
        most = limits.limit("known_messages_per_receiver")
        return [[Budget(redis_key(key, "known"), most, DAY, "receiver"), *site]]
    most = limits.limit("messages_per_receiver")
    usual_key, newcomers_key = receiver_keys(receiver)
    usual = [Budget(usual_key, most, DAY, "receiver"), *site]
    if not origin.network:
        return [usual]
    all_newcomers = Budget(
        newcomers_key,
        limits.limit("newcomers_per_account"),
        limits.period("newcomers_per_account"),
        "receiver",
    )
    return [usual, [network(key, origin), neighbourhood(key, origin), all_newcomers, *site]]


def messages_to_unknown(receiver: str, *, has_reserve: bool) -> list[Budget]:
    """
    Return the budgets of a message to an address that was entered, see ``charge_unknown()``.

    Args:
        receiver: the address or phone number.
        has_reserve: whether it may use what the site reserves for users who are logged in.
    """
    per_receiver = limits.limit("unknown_messages_per_receiver")
    most = limits.limit("unknown_messages_per_site")
    of_site = most if has_reserve else most - int(most * _RESERVE)
    key = _of_receiver(receiver)
    return [
        Budget(redis_key(key, "unknown"), per_receiver, DAY, "unknown"),
        Budget(redis_key("site", "unknown"), of_site, DAY, "unknown"),
    ]


def receiver_keys(receiver: str) -> list[str]:
    """Return the Redis keys of the budgets of a receiver that unknown browsers use up."""
    key = _of_receiver(receiver)
    return [redis_key(key, "messages"), redis_key(key, "newcomers")]


def _of_receiver(receiver: str) -> str:
    # Several accounts may have the same mailbox, written in upper and lower case.
    return keyed_hash("receiver", receiver.casefold())


def _of_site(*, has_reserve: bool) -> list[Budget]:
    most = limits.limit("messages_per_site")
    if most is None:
        return []
    room = most if has_reserve else most - int(most * _RESERVE)
    return [Budget(redis_key("site", "messages"), room, DAY, "site")]


def _by_address(
    visitor: Visitor, name: Literal["guesses_per_address", "asks_per_address"]
) -> list[Budget]:
    most, window = limits.limit(name), limits.period(name)
    address = visitor.address
    if address is None:
        key = redis_key(keyed_hash("address", ""), name)
        return [Budget(key, most * _UNKNOWN_FACTOR, window, "unknown addresses")]
    budgets = [Budget(redis_key(keyed_hash("address", address), name), most, window, "address")]
    whole = client_ip.network(address)
    if whole != address:
        key = redis_key(keyed_hash("address", whole), name)
        budgets.append(Budget(key, most * _NETWORK_FACTOR, window, "address"))
    return budgets
