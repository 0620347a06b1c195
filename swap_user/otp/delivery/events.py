"""
The events that the owner of an account is notified about (R37).

Each event starts a job, which sends the notice. See NIST SP 800-63B-4 section 4.6.
"""

import logging
import time
from copy import copy
from typing import Any

from django.utils import timezone, translation

from swap_user import signals
from swap_user.conf import limits, swap_user_settings
from swap_user.otp import audit
from swap_user.otp.delivery import undo_link
from swap_user.otp.delivery.circumstances import circumstances
from swap_user.otp.delivery.despite_rollback import dispatch_despite_rollback
from swap_user.otp.delivery.notices import BY_STRANGERS, notify, notify_previous, send_notice
from swap_user.otp.dispatchers import dispatch
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.senders import load_sender
from swap_user.otp.store import keys
from swap_user.otp.throttling import guesses, messages, wrong_guesses
from swap_user.users import lookup

_EVENTS = {
    signals.new_browser_login: "new_browser_login",
    signals.authenticator_added: "authenticator_added",
    signals.authenticator_removed: "authenticator_removed",
    signals.recovery_codes_generated: "recovery_codes_generated",
    signals.recovery_code_used: "recovery_code_used",
}

# Events that a rollback of the caller does not undo: the code stays used, and a session in a cache
# stays logged in.
_NOT_UNDONE = {signals.recovery_code_used, signals.new_browser_login}

# Events of a request that logs the owner in, who is not yet the user of the request.
_LOGINS = _NOT_UNDONE

# Fields that are never put into a queue.
_SECRET = frozenset({"password", "security_stamp"})


def connect() -> None:
    """Connect the receivers that start the jobs. ``SwapUserConfig.ready()`` calls this function."""
    for signal in _EVENTS:
        signal.connect(_on_event, dispatch_uid="swap_user.notices")
    signals.receiver_changed.connect(_on_receiver_changed, dispatch_uid="swap_user.notices")


def after_wrong_guess(
    name: str, language: str | None = None, units: int | str = limits.USUAL_WEIGHT
) -> None:
    """
    Tidy up after a wrong guess, and notify the owner once strangers have none left. This is a job.

    It runs after each short code that was refused, whether or not there is an account (R33). It
    decides by what is stored, so a job that is lost delays the notice until the next one.

    Args:
        name: the canonical username. The account may not exist.
        language: not used. Jobs have the language of the visitor, who must not choose that of the
            notice.
        units: the units of the guess. They are text of a fixed length, so that the size of a queue
            does not tell them. Jobs of former versions may have a bool.
    """
    # Computed before the user is known, so that it is the same work for all (R33).
    account_key = keys.account_key(name)
    user = lookup.find(name)
    if user is None:
        return
    try:
        wrong_guesses.prune(user.pk)
        # Asked before the database: a guess may move from Redis to it between the two questions.
        now, kept = guesses.kept(account_key)
    except LoginUnavailable:  # guesses are deleted the next time
        now, kept = int(time.time()), 0
    counted = wrong_guesses.counted(user, now=now)
    is_spent = guesses.is_spent(counted, int(units), kept=kept)
    if not is_spent or not messages.charge_exhausted(user, now=now):
        return
    signals.guesses_exhausted.send(type(user), user=user)
    if BY_STRANGERS in swap_user_settings.OTP_NOTICES:
        send_notice(user, BY_STRANGERS, language, {})


def _on_event(sender: object, signal: Any, user: Any, **kwargs: Any) -> None:
    event = _EVENTS[signal]
    if signal is signals.new_browser_login and kwargs.get("is_first"):
        return  # the owner has just created the account, or uses it for the first time
    if signal is not signals.new_browser_login:
        audit.record(logging.INFO, "sign-in methods changed", user=user.pk, change=event)
    if event not in swap_user_settings.OTP_NOTICES:
        return
    context: dict[str, Any] = {"at": timezone.now().timestamp()}
    request, is_login = kwargs.get("request"), signal in _LOGINS
    context |= circumstances(request, user, is_login=is_login)
    if (authenticator := kwargs.get("authenticator")) is not None:
        context["name"] = str(authenticator)
        if not authenticator.name:
            context["type"] = authenticator.type
    if (remaining := kwargs.get("remaining")) is not None:
        context["remaining"] = remaining
    pk, language = str(user.pk), translation.get_language()
    if signal in _NOT_UNDONE:
        dispatch_despite_rollback(pk, notify, pk, event, language, **context)
    else:
        dispatch(notify, pk, event, language, **context)


def _on_receiver_changed(sender: object, user: Any, previous: Any, **kwargs: Any) -> None:
    event = "receiver_changed"
    at, language = timezone.now().timestamp(), translation.get_language()
    audit.record(logging.INFO, "sign-in methods changed", user=user.pk, change=event)
    if event not in swap_user_settings.OTP_NOTICES:
        return
    values = _previous_values(user, previous)
    context: dict[str, Any] = {"at": at}
    request, change = kwargs.get("request"), kwargs.get("change")
    if request is not None and change is not None:
        context |= {"url": undo_link.page_url(request), "change": change.pk}
    dispatch(notify_previous, str(user.pk), event, language, previous=values, **context)


def _previous_values(user: Any, previous: Any) -> dict[str, str | None]:
    """
    Return the fields of ``previous`` that the job needs. A queue stores them.

    They are the username and the email address, or all changed fields if the sender reads others.
    """
    changed = {
        field
        for field in previous._meta.concrete_fields
        if field.name not in _SECRET and _as_text(field, previous) != _as_text(field, user)
    }
    named = {previous.USERNAME_FIELD, getattr(previous, "EMAIL_FIELD", "email")}
    fewer = {field for field in changed if field.name in named}
    try:
        rebuilt = copy(user)
        for field in fewer:
            setattr(rebuilt, field.attname, field.value_from_object(previous))
        is_enough = all(
            route.get_receiver(rebuilt) == route.get_receiver(previous)
            for route in load_sender().routes()
        )
    except Exception:  # noqa: BLE001 - the sender is the project's
        is_enough = False
    return {field.name: _as_text(field, previous) for field in (fewer if is_enough else changed)}


def _as_text(field: Any, instance: Any) -> str | None:
    value = field.value_from_object(instance)
    return None if value is None else str(field.value_to_string(instance))
