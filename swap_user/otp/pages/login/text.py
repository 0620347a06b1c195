"""Texts for visitors about durations, limits and factors."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from swap_user.otp import policies
from swap_user.otp.policies import Groups
from swap_user.otp.throttling.guesses import ReachedLimit
from swap_user.otp.visitors.code_request import CodeRequest

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def in_words(seconds: int) -> str:
    """Return a duration in words, in the largest unit that gives at least 2, or "1 minute"."""
    if seconds >= 2 * _DAY:
        days = -(-seconds // _DAY)
        return ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    if seconds >= 2 * _HOUR:
        hours = -(-seconds // _HOUR)
        return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
    if seconds >= 2 * _MINUTE or seconds == _MINUTE:
        minutes = seconds // _MINUTE
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}


def times_of(asked: CodeRequest | None, now: float) -> dict[str, int | str]:
    """
    Return the variables of a template about the life of a code and the wait for the next one.

    Args:
        asked: the code request, or None.
        now: Unix time in seconds.
    """
    expires_in = asked.expires_in(now) if asked else 0
    resend_in = asked.resend_in(now) if asked else 0
    return {
        "expires_in": expires_in,
        "expires_in_words": in_words(expires_in),
        "resend_in": resend_in,
        "resend_in_words": in_words(resend_in),
    }


def limit_in_words(limit: ReachedLimit) -> str:
    """
    Return why a code was not checked, and what works.

    The limit is one of the visitor's own, and the text has no date (R49).
    """
    if limit.longer:
        return _(
            "Too many wrong codes came from your network. Ask for a new code, which will be "
            "longer, or use a recovery code."
        )
    return _("Too many wrong codes. Ask for a new one.")


def factors_in_words(groups: Groups) -> str:
    """Return which factors a user has to show: one of each group."""
    *others, last = [_factor_in_words(group) for group in groups] or [""]
    if not others:
        return last
    first = others[0]
    for each in others[1:]:
        first = _("%(first)s, %(next)s") % {"first": first, "next": each}
    return _("%(first)s and %(last)s") % {"first": first, "last": last}


def _factor_in_words(group: frozenset[str]) -> str:
    if group == {policies.PASSWORD}:
        return _("your password")
    if group == {policies.SENT}:
        return _("a code that is sent to you")
    if group and group <= policies.NOT_SENT:
        return _("a code of your authenticator app or a recovery code")
    return _("a one-time code")
