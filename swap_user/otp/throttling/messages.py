"""
Limits on messages to an account and to a receiver (R21, R47). The job charges them.

Each message is a code that can be guessed, so the messages to an account are counted in the
database. Unknown browsers share one budget for each account, and known browsers another. When that
of unknown browsers is spent, a visitor in a network that has not asked for the account in 90 days
still gets a message, so that the owner can log in with a new browser. The number of these extra
messages is limited for each network of a provider. To block the owner, an attacker must send
requests from the same network, or from more networks than there are extra messages.
"""

from typing import Any, Final

from django.db.models import BigIntegerField, Case, F, Q, When

from swap_user.conf import limits, swap_user_settings
from swap_user.models import MessageCount
from swap_user.otp.store import scripts
from swap_user.otp.store.budgets import DAY, YEAR
from swap_user.otp.throttling import budgets
from swap_user.otp.visitors.visitor import Origin
from swap_user.users.databases import written

_STRANGERS: Final = "messages_per_account"
KNOWN: Final = "known_messages_per_account"
NEWCOMERS: Final = "newcomers_per_account"
"""Limits of an account."""

_EXHAUSTED: Final = "guesses_exhausted"

# Any other count is that of a network.
_NAMES = (_STRANGERS, KNOWN, NEWCOMERS, _EXHAUSTED)

_NUMBER = BigIntegerField()

_CHARGE = scripts.JSONScript(scripts.read("charge"))
_TIME = scripts.Script("return redis.call('TIME')[1]")
_FORGET = scripts.Script("return redis.call('DEL', unpack(KEYS))")


def charge_account(user: Any, account_key: str, origin: Origin, *, is_known: bool, now: int) -> str:
    """
    Charge a message to an account, and return the limit that it was charged to, or "" for no room.

    When the messages of known browsers are used up, known browsers have those of strangers.

    Args:
        user: the owner of the account.
        account_key: the account key, see ``keys.account_key()``.
        origin: where the request came from.
        is_known: whether a known browser of the account asked for the message.
        now: the result of ``server_time()``. A server whose own clock is ahead would begin a new
            period.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    if is_known and _charge(user, KNOWN, now):
        return KNOWN
    if _charge(user, _STRANGERS, now):
        if origin.network:  # it is no newcomer on this day
            _CHARGE({}, choices=[[budgets.network(account_key, origin)]])
        return _STRANGERS
    return NEWCOMERS if _charge_newcomer(user, account_key, origin, now) else ""


def charge_receiver(
    receiver: str, origin: Origin, *, is_known: bool, has_reserve: bool = True
) -> str:
    """
    Charge a message to its receiver and to the site.

    Args:
        receiver: the address or phone number.
        origin: where the request came from.
        is_known: whether the message was charged to known browsers, or it is a notice.
        has_reserve: whether such a message may use what the site reserves. Strangers could use that
            up with messages that they cause themselves.

    Returns:
        The limit that was reached: "receiver", "site", or "country" (a phone number without an
        allowed prefix). "" if the message can be sent.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    prefixes = tuple(swap_user_settings.OTP_PHONE_PREFIXES)
    if prefixes and "@" not in receiver and not receiver.startswith(prefixes):
        return "country"
    has_reserve = is_known and has_reserve
    choices = budgets.messages_to(receiver, origin, is_known=is_known, has_reserve=has_reserve)
    answer = _CHARGE({}, choices=choices)
    if answer["number"]:
        return ""
    return "site" if answer["scope"] == "site" else "receiver"


def charge_unknown(receiver: str, *, is_user: bool) -> str:
    """
    Charge a message to an address that somebody has entered, perhaps one that no account has.

    Such messages have budgets of their own, for each receiver and for the site: strangers can enter
    any number of addresses, and each SMS costs money. Addresses of accounts are charged as well.
    Otherwise, a visitor whose own messages stop would learn which addresses have an account (R32).

    Args:
        receiver: the address or phone number.
        is_user: whether a user who is logged in enters the address. A fifth of the messages of the
            site is left to them.

    Returns:
        "unknown" if a limit was reached, or "".

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    choice = budgets.messages_to_unknown(receiver, has_reserve=is_user)
    return "" if _CHARGE({}, choices=[choice])["number"] else "unknown"


def charge_exhausted(user: Any, *, now: int) -> bool:
    """
    Count a notice that strangers have used up their guesses. Return whether it may be sent.

    An account gets one in a year.

    Args:
        user: the owner of the account.
        now: the result of ``server_time()``.
    """
    return _count(user, _EXHAUSTED, 1, YEAR, now)


def postpone_exhausted(user: Any) -> None:
    """Allow the next notice of used up guesses a day after the last one, which was not sent."""
    rows = written(MessageCount).filter(user_id=user.pk, budget=_EXHAUSTED)
    rows.update(since=F("since") - YEAR + DAY)


def server_time() -> int:
    """
    Return Unix time in seconds by the clock of the Redis server, which all servers share.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    return int(_TIME({}))


def forget(user: Any) -> None:
    """Delete the counts of messages to an account that unknown browsers have caused."""
    written(MessageCount).filter(user_id=user.pk).exclude(budget=KNOWN).delete()


def prune() -> int:
    """
    Delete the counts of messages whose period is over, and return their number.

    Raises:
        LoginUnavailable: Redis can't be reached. Its clock says which periods are over.
    """
    # A day more is kept, because the clock of another Redis server may be behind.
    last = server_time() - DAY
    periods = {name: limits.period(name) for name in (_STRANGERS, KNOWN, NEWCOMERS)}
    periods[_EXHAUSTED] = YEAR
    # A row that begins at 0 is just being charged.
    is_over = ~Q(budget__in=_NAMES) & Q(since__range=(1, last - periods[NEWCOMERS]))
    for name, seconds in periods.items():
        is_over |= Q(budget=name, since__range=(1, last - seconds))
    deleted, _ = written(MessageCount).filter(is_over).delete()
    return deleted


def forget_network(user: Any, origin: Origin) -> None:
    """
    Let a network get an extra message again: a user has logged in there, or has not got it.

    Args:
        user: the user.
        origin: where the request of the login or of the message came from.
    """
    if origin.network:
        written(MessageCount).filter(user_id=user.pk, budget=origin.network).delete()


def _charge_newcomer(user: Any, account_key: str, origin: Origin, now: int) -> bool:
    """
    Charge an extra message to its network, and return whether there was room.

    The networks are in the database too. With their marks in Redis, an attacker could use up all
    extra messages from few networks after Redis has lost its data.
    """
    if not origin.network:
        return False
    most, window = limits.limit(NEWCOMERS), limits.period(NEWCOMERS)
    rows = written(MessageCount).filter(user_id=user.pk)
    begun = rows.filter(since__gt=now - window, budget__in=(NEWCOMERS, origin.network))
    counts = dict(begun.values_list("budget", "count"))
    # Asked before the others are charged: a network that has its message must not use up those of
    # its neighbours or of all newcomers, and a network without one must not count as one with it.
    if origin.network in counts or counts.get(NEWCOMERS, 0) >= most:
        return False
    charged = [budgets.network(account_key, origin), budgets.neighbourhood(account_key, origin)]
    if not _CHARGE({}, choices=[charged])["number"]:
        return False
    rows.filter(since__range=(1, now - window)).exclude(budget__in=_NAMES).delete()
    return _count(user, origin.network, 1, window, now) and _charge(user, NEWCOMERS, now)


def forget_receiver(receiver: str) -> None:
    """
    Delete the counts of messages to a receiver that unknown browsers asked for.

    Args:
        receiver: the address or phone number.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    _FORGET({str(number): key for number, key in enumerate(budgets.receiver_keys(receiver))})


def _charge(user: Any, budget: limits.Counted, now: int) -> bool:
    """Charge a message to one of the limits of an account. Return whether there was room."""
    return _count(user, budget, limits.limit(budget), limits.period(budget), now)


def _count(user: Any, budget: str, most: int, window: int, now: int) -> bool:
    """
    Count one more message, or begin a new period. Return whether there was room.

    Args:
        user: the owner of the account.
        budget: the name of the limit, or the hash of a network.
        most: how many messages have room.
        window: length of a period in seconds.
        now: Unix time in seconds.
    """
    if not most:
        return False
    rows = written(MessageCount)
    is_over = Q(since__lte=now - window)
    with_room = rows.filter(is_over | Q(count__lt=most), user_id=user.pk, budget=budget)
    # MySQL assigns from left to right, so that the first value must not depend on the second.
    changes = {
        "count": Case(When(is_over, then=1), default=F("count") + 1, output_field=_NUMBER),
        "since": Case(When(is_over, then=now), default=F("since"), output_field=_NUMBER),
    }
    if with_room.update(**changes):
        return True
    # There is no row before the first message.
    new = MessageCount(user_id=user.pk, budget=budget)
    rows.bulk_create([new], ignore_conflicts=True)
    return bool(with_room.update(**changes))
