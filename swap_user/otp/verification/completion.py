"""After a code was found right: ask the policy, and record which factors the login has shown."""

import logging

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from swap_user.otp import audit, policies
from swap_user.otp.challenges import challenge, factors_shown
from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.policies import Groups
from swap_user.otp.store import keys
from swap_user.otp.throttling import budgets
from swap_user.otp.verification import outcomes
from swap_user.otp.verification.login import Login, Refused
from swap_user.otp.visitors import flow
from swap_user.signals import code_accepted


def note_password(user: AbstractBaseUser, request: HttpRequest) -> None:
    """
    Record that the password was right, for a policy that requires a password and a code.

    The session gets a new key. If ``authenticate()`` has returned this user because of a code, as
    with ``CodeAsPasswordBackend``, nothing is recorded: a code is not a password.

    Args:
        user: the user whose password was right, as ``authenticate()`` has returned it.
        request: the visitor's request. The password counts as a factor only in its session. If it
            has no session, nothing is recorded.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    if outcomes.is_of_code(user):
        reason = "a code was accepted, not a password"
        audit.record(logging.WARNING, "password not recorded", user=user.pk, reason=reason)
        return
    account_key = keys.account_key_of(user)
    begun, next_flow = flow.begin(request), flow.new_id()
    if begun is not None:
        _show_factor(account_key, policies.PASSWORD, user, begun, next_flow)
        flow.renew(request, next_flow)


def ask_policy(login: Login, user: AbstractBaseUser, factor: str, *, enrolled: bool) -> Groups:
    """
    Return the groups of factors that are still missing after this one.

    Nothing is consumed yet, so a code that the policy does not accept can still be used.

    Args:
        login: the attempt.
        user: the user whose code is right.
        factor: the factor that the code proves, see ``policies``.
        enrolled: whether the user has an authenticator app.

    Raises:
        Refused: the user may not log in, or the policy does not accept the code.
    """
    if not login.claim.allowed(user):
        raise Refused("inactive")
    groups = policies.load_policy().groups(user, enrolled=enrolled)
    if not any(factor in group for group in groups):
        raise Refused(f"policy accepts no {factor} code here")
    # A factor that was already shown is accepted again, but does not complete the login.
    shown = factors_shown.factors(login.pending.shown, user) | {factor}
    missing = policies.missing(groups, shown)
    if missing and login.flow is None:
        raise Refused("two codes need a session")
    if missing and login.claim.alone:
        raise Refused("another code can't be asked for here")
    return missing


def accept(login: Login, user: AbstractBaseUser, factor: str, missing: Groups) -> frozenset[str]:
    """
    Report the accepted code, and return the factors of the login if none is missing.

    Args:
        login: the attempt.
        user: the user whose code was consumed.
        factor: the factor that the code proves.
        missing: the result of ``ask_policy()``.

    Raises:
        AnotherCodeNeeded: a factor is missing. The shown factor is recorded for the session.
        LoginUnavailable: Redis can't be reached.
    """
    audit.record(logging.INFO, "code accepted", user=user.pk, factor=factor)
    request = login.claim.visitor.request
    code_accepted.send_robust(type(user), user=user, factor=factor, request=request)
    shown = factors_shown.factors(login.pending.shown, user) | {factor}
    account_key = login.claim.account_key
    if login.flow is None:
        return shown
    if missing:
        _show_factor(account_key, factor, user, login.flow, login.claim.visitor.next_flow)
        raise AnotherCodeNeeded(missing)
    if login.pending.shown:
        factors_shown.forget(account_key, login.flow)
    return shown


def _show_factor(
    account_key: str, factor: str, user: AbstractBaseUser, old_flow: str, new_flow: str
) -> None:
    """Record a shown factor, and move the state of the login to the session's next flow."""
    # The tries are moved too. Otherwise a known password would refill them.
    by_flow = (challenge.challenge_key, factors_shown.shown_key, budgets.flow_tries_key)
    moved = [(key(account_key, old_flow), key(account_key, new_flow)) for key in by_flow]
    forward = challenge.forward_key(account_key, old_flow)
    factors_shown.add(account_key, new_flow, factor, user, moved=moved, forward=forward)
