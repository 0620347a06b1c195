"""
The proof of a session: which factors its user has shown in it, and when (R51).

Only a login with an accepted code of this package writes it. A login by another page or package, or
an impersonator's, removes it. The OTP admin and all rules that require a recent login ask the
policy with this record.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth import get_user
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from swap_user.otp import policies
from swap_user.otp.authenticators.secrets import enrolled, is_enrolled
from swap_user.otp.policies import Groups

SESSION_KEY = "_swap_user_proof"

# An attribute of a request whose user has not logged in yet, see waive().
_WAIVED = "_swap_user_proof_waived"

# An attribute of a request: the primary key of a user, and whether that user has an authenticator.
_ENROLLED = "_swap_user_enrolled"


def record(session: SessionBase, user: Any, factors: Iterable[str], *, now: float) -> None:
    """
    Record that a user has logged in with these factors.

    What the same user has shown before in this session stays recorded, with its own time.

    Args:
        session: the session of the login.
        user: the user who has logged in.
        factors: the factors of the login, see ``policies``.
        now: time of the login, Unix time in seconds.
    """
    shown = _factors(session, user) | dict.fromkeys(sorted(factors), now)
    session[SESSION_KEY] = {"user": str(user.pk), "factors": shown}


def clear(session: SessionBase) -> None:
    """Delete the record."""
    session.pop(SESSION_KEY, None)


def lower(request: HttpRequest) -> None:
    """
    Forget that an authenticator was shown, after the user has removed the last one.

    Args:
        request: the request of the user.
    """
    factors = _factors(request.session, _user_of(request))
    if factors.pop(policies.AUTHENTICATOR, None) is not None:
        request.session[SESSION_KEY] = {"user": str(request.user.pk), "factors": factors}
    vars(request).pop(_ENROLLED, None)


def session_factors(request: HttpRequest) -> dict[str, datetime]:
    """
    Return the factors that the user has shown in this session, with the time of each.

    Args:
        request: the user's request.

    Returns:
        The names of the factors ("password", "sent", "authenticator", "recovery"), each with an
        aware datetime. Empty if the user is not logged in, or has logged in by another package.
    """
    factors = _factors(getattr(request, "session", None), _user_of(request))
    return {factor: datetime.fromtimestamp(at, tz=UTC) for factor, at in factors.items()}


def note_enrollment(sender: object, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """
    Record that the code of a new authenticator was shown. This receives ``authenticator_added``.

    Nothing is recorded unless the session has been sufficient before. Otherwise somebody who knows
    only a password could complete their proof with an app of their own.
    """
    session: Any = getattr(request, "session", None)
    if request is None or session is None:
        return
    authenticator, user = kwargs["authenticator"], _user_of(request)
    factors = _factors(session, user)
    if user is None or user.pk != authenticator.user_id or not factors:
        return

    def had_others() -> bool:
        return enrolled(user).exclude(pk=authenticator.pk).exists()

    if _satisfies(user, frozenset(factors), had_others):
        # As old as the login: adding an app does not make a login recent.
        factors |= {policies.AUTHENTICATOR: min(factors.values())}
        session[SESSION_KEY] = {"user": str(user.pk), "factors": factors}
        vars(request).pop(_ENROLLED, None)


def is_sufficient(
    request: HttpRequest, *, since: float | None = None, now: float | None = None
) -> bool:
    """
    Return whether the session has shown all factors that the policy requires of its user.

    This makes one query if the answer depends on whether the user has an authenticator.

    Args:
        request: the user's request.
        since: with a Unix time in seconds, only factors count that were shown after it.
        now: Unix time in seconds. Factors that were shown later do not count.
    """
    if getattr(request, _WAIVED, False):
        return True
    user = _user_of(request)
    if user is None:
        return False
    shown = _shown(request, user, since, now)
    return _satisfies(user, shown, lambda: _is_enrolled(request, user))


def missing(request: HttpRequest, *, since: float | None = None) -> Groups:
    """
    Return the groups of factors that the session has not shown.

    Args:
        request: a request with a user who is logged in.
        since: with a Unix time in seconds, only factors count that were shown after it.
    """
    user = _user_of(request)
    if user is None:
        return ()
    groups = policies.load_policy().groups(user, enrolled=_is_enrolled(request, user))
    return policies.missing(groups, _shown(request, user, since, None))


def _shown(
    request: HttpRequest, user: Any, since: float | None, until: float | None
) -> frozenset[str]:
    """Return the factors that were shown in a time, whose ends are Unix times in seconds."""
    return frozenset(
        factor
        for factor, at in _factors(getattr(request, "session", None), user).items()
        if (since is None or since < at) and (until is None or at <= until)
    )


def waive(request: HttpRequest) -> None:
    """
    Let ``is_sufficient()`` return True for this request.

    A login page uses it for a copy of its request, to ask whether a user would have permission
    after the login.
    """
    setattr(request, _WAIVED, True)


def _user_of(request: HttpRequest) -> Any:
    """Return the user who is logged in, or None."""
    user: Any = getattr(request, "user", None)
    if user is None and hasattr(request, "session"):
        user = get_user(request)
    return user if user is not None and user.is_authenticated else None


def _factors(session: SessionBase | None, user: Any) -> dict[str, float]:
    """
    Return the factors that ``user`` has shown in this session, with the time of each.

    The record of another user does not count: packages for impersonation replace the user of a
    request and leave the session as it is.
    """
    match session.get(SESSION_KEY) if session is not None and user is not None else None:
        case {"user": str(owner), "factors": dict(factors)} if owner == str(user.pk):
            return {
                factor: at
                for factor, at in factors.items()
                if isinstance(factor, str) and isinstance(at, int | float)
            }
        case _:
            return {}


def _satisfies(user: Any, shown: frozenset[str], has_authenticator: Callable[[], bool]) -> bool:
    """Ask the policy. ``has_authenticator()`` is called only if its result makes a difference."""
    policy = policies.load_policy()
    without, with_one = (
        _is_met(policy.groups(user, enrolled=each), shown) for each in (False, True)
    )
    if without == with_one:
        return without
    return with_one if has_authenticator() else without


def _is_met(groups: Groups, shown: frozenset[str]) -> bool:
    # With no groups at all, the policy accepts no login.
    return bool(groups) and not policies.missing(groups, shown)


def _is_enrolled(request: HttpRequest, user: Any) -> bool:
    """Return whether the user has an authenticator. One query for each request."""
    known = getattr(request, _ENROLLED, None)
    if known is None or known[0] != user.pk:
        known = (user.pk, is_enrolled(user))
        setattr(request, _ENROLLED, known)
    return bool(known[1])
