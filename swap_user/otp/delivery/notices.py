"""What the owner of an account is told: a new way to log in, or an attack (R37, NIST 4.6)."""

import logging
import time
from collections.abc import Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.utils import timezone, translation

from swap_user import signals
from swap_user.conf import SwapUserSettings, swap_user_settings
from swap_user.otp import audit
from swap_user.otp.background import failures
from swap_user.otp.background.registry import job
from swap_user.otp.delivery.retry import hand_over
from swap_user.otp.dispatchers import dispatch
from swap_user.otp.senders import AbstractOTPSender, email_address, sender_class
from swap_user.otp.site_name import site_name
from swap_user.users import lookup

_EVENTS = {
    signals.new_browser_login: "new_browser_login",
    signals.authenticator_added: "authenticator_added",
    signals.authenticator_removed: "authenticator_removed",
    signals.recovery_codes_generated: "recovery_codes_generated",
    signals.recovery_code_used: "recovery_code_used",
}

NOTICES: Sequence[str] = SwapUserSettings.OTP_NOTICES.default
"""The names of all notices: by default all are sent."""

# For how long a message is tried again, in seconds.
_WORTH_TELLING = 3600


def connect() -> None:
    """Tell owners of every event; ``SwapUserConfig.ready`` calls it."""
    for signal in _EVENTS:
        signal.connect(_on_event, dispatch_uid="swap_user.notices")


@job
def tell_exhausted(name: str, language: str | None = None) -> None:
    """
    Tell the owner of an account that strangers have spent its guesses; a job.

    Args:
        name: canonical username; of an account, or of nobody.
        language: of the message; None for the site's.
    """
    user = lookup.named(name).first() if name else None
    if user is None or not lookup.answers_to(user, name):
        return
    signals.guesses_exhausted.send(type(user), user=user)
    if "guesses_exhausted" in swap_user_settings.OTP_NOTICES:
        _notify(user, "guesses_exhausted", language, {})


@job
def tell(user_pk: str, event: str, language: str | None, **context: Any) -> None:
    """
    Tell a user what happened; a job, so that everything it takes is plain.

    Args:
        user_pk: the user's primary key, as text.
        event: one of ``NOTICES``.
        language: of the message; None for the site's.
        context: for the templates in ``swap_user/notices/``.
    """
    model: Any = get_user_model()
    user = model._default_manager.filter(pk=user_pk).first()
    if user is not None:  # deleted meanwhile
        _notify(user, event, language, context)


def _on_event(sender: object, signal: Any, user: Any, **kwargs: Any) -> None:
    event = _EVENTS[signal]
    if signal is not signals.new_browser_login:
        audit.record(logging.INFO, "sign-in methods changed", user=user.pk, change=event)
    if event not in swap_user_settings.OTP_NOTICES:
        return
    context: dict[str, Any] = {"at": timezone.now().timestamp()}
    if (authenticator := kwargs.get("authenticator")) is not None:
        context["name"] = str(authenticator)
    if (remaining := kwargs.get("remaining")) is not None:
        context["remaining"] = remaining
    dispatch(tell, str(user.pk), event, translation.get_language(), **context)


def _notify(user: Any, event: str, language: str | None, context: dict[str, Any]) -> None:
    """Hand the message to the sender. What it is about stands, whether or not it gets through."""

    def send(sender: AbstractOTPSender) -> None:
        sender.notify(user, *_words(event, context))

    if sender_class().notify is AbstractOTPSender.notify and not email_address(user):
        reason = "no address"
        audit.record(logging.INFO, "owner not told", user=user.pk, notice=event, reason=reason)
        return
    error = hand_over(send, user=user, until=time.time() + _WORTH_TELLING, language=language)
    if error is not None:
        audit.record(logging.ERROR, "owner not told", user=user.pk, notice=event, error=error)
        failures.delivery_failed(user, error)


def _words(event: str, context: dict[str, Any]) -> tuple[str, str]:
    """Return the subject, on one line, and the text."""
    at = timezone.now()
    if "at" in context:
        at = at.fromtimestamp(context["at"], tz=at.tzinfo)
    full = {"name": "", "remaining": 0, **context, "event": event, "at": at}
    full["site_name"] = site_name("")
    subject = " ".join(render_to_string("swap_user/notices/subject.txt", full).split())
    return subject, render_to_string("swap_user/notices/text.txt", full)
