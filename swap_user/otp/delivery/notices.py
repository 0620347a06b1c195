"""
Notices: messages that tell the owner of an account about a change or an attack (R37).

See NIST SP 800-63B-4 section 4.6.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import timezone, translation

from swap_user import signals
from swap_user.conf import SwapUserSettings, limits, swap_user_settings
from swap_user.otp import audit
from swap_user.otp.availability import DATABASE_ERRORS
from swap_user.otp.connections import release_connections
from swap_user.otp.delivery import not_me, undo_link
from swap_user.otp.delivery.circumstances import circumstances
from swap_user.otp.delivery.despite_rollback import dispatch_despite_rollback
from swap_user.otp.delivery.notice_words import Words, accepted, write
from swap_user.otp.delivery.owner import Seen, last_seen, words_of
from swap_user.otp.delivery.retry import Message, Withheld, send_message
from swap_user.otp.dispatchers import dispatch
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.senders import (
    AbstractOTPSender,
    email_address,
    load_sender,
    notice_receiver,
    sender_class,
)
from swap_user.otp.store import keys
from swap_user.otp.throttling import guesses, messages, wrong_guesses
from swap_user.otp.visitors.visitor import Origin
from swap_user.users import lookup
from swap_user.users.databases import written

_EVENTS = {
    signals.new_browser_login: "new_browser_login",
    signals.authenticator_added: "authenticator_added",
    signals.authenticator_removed: "authenticator_removed",
    signals.recovery_codes_generated: "recovery_codes_generated",
    signals.recovery_code_used: "recovery_code_used",
}

# The event that strangers can cause, at any number of accounts.
_BY_STRANGERS = "guesses_exhausted"

# Events that a rollback of the caller does not undo: the code stays used, and a session in a cache
# stays logged in.
_NOT_UNDONE = {signals.recovery_code_used, signals.new_browser_login}

NOTICES: Sequence[str] = SwapUserSettings.OTP_NOTICES.default
"""The names of all notices, which are the default of OTP_NOTICES."""

# Events of a request that logs the owner in, who is not yet the user of the request.
_LOGINS = _NOT_UNDONE

# Fields that are never put into a queue.
_SECRET = frozenset({"password", "security_stamp"})

# How long to retry a notice, in seconds.
_RETRY_FOR = 3600


def connect() -> None:
    """Connect the receiver that sends notices. ``SwapUserConfig.ready()`` calls this function."""
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
    if _BY_STRANGERS in swap_user_settings.OTP_NOTICES:
        _notify(user, _BY_STRANGERS, language, {})


def notify(user_pk: str, event: str, language: str | None, **context: Any) -> None:
    """
    Notify a user of an event. This is a job.

    Args:
        user_pk: the user's primary key, as text.
        event: one of ``NOTICES``.
        language: language of the request, or None. The notice is in the language of the user.
        context: variables for the templates in ``swap_user/notices/``, and what
            ``circumstances()`` returned.
    """
    model: Any = get_user_model()
    user = written(model).filter(pk=user_pk).first()
    if user is not None:  # None if the user was deleted before the job ran
        _notify(user, event, language, context)


def notify_previous(
    user_pk: str, event: str, language: str | None, *, previous: dict[str, Any], **context: Any
) -> None:
    """
    Notify a user at the address that they had before. This is a job.

    Args:
        user_pk: the user's primary key, as text.
        event: one of ``NOTICES``.
        language: language of the request, or None. The notice is in the language of the user.
        previous: the values of fields before the change, as text or None. They are not saved.
        context: variables for the templates in ``swap_user/notices/``.
    """
    model: Any = get_user_model()
    user = model._default_manager.filter(pk=user_pk).first()
    if user is None:
        return
    for name, value in previous.items():
        field = model._meta.get_field(name)
        setattr(user, field.attname, field.to_python(value))
    _notify(user, event, language, context)


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
        sender = load_sender()
        is_enough = sender.get_receiver(rebuilt) == sender.get_receiver(previous)
    except Exception:  # noqa: BLE001 - the sender is the project's
        is_enough = False
    return {field.name: _as_text(field, previous) for field in (fewer if is_enough else changed)}


def _as_text(field: Any, instance: Any) -> str | None:
    value = field.value_from_object(instance)
    return None if value is None else str(field.value_to_string(instance))


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
    if (remaining := kwargs.get("remaining")) is not None:
        context["remaining"] = remaining
    pk, language = str(user.pk), translation.get_language()
    if signal in _NOT_UNDONE:
        dispatch_despite_rollback(pk, notify, pk, event, language, **context)
    else:
        dispatch(notify, pk, event, language, **context)


def _notify(user: Any, event: str, language: str | None, context: dict[str, Any]) -> None:
    if sender_class().notify is AbstractOTPSender.notify and not email_address(user):
        reason = "no address"
        audit.record(logging.INFO, "owner not notified", user=user.pk, notice=event, reason=reason)
        return
    seen = last_seen(user, at=context.get("at"), acting=context.get("acting", ""))
    message = Message(
        user=user,
        send=_Attempts(user, event, context, seen),
        report=partial(_report, user, event),
        language=language,
        expires_at=time.time() + _RETRY_FOR,
    )
    send_message(message)


@dataclass
class _Attempts:
    """The attempts to send one notice. The first that knows the receiver charges the message."""

    user: Any
    event: str
    context: dict[str, Any]
    seen: Seen
    is_charged: bool = False

    def __call__(self, sender: AbstractOTPSender) -> None:
        """
        Make one attempt.

        Raises:
            Withheld: a limit on messages is reached.
            Exception: an exception of the sender.
        """
        if not self.is_charged:
            self._charge(sender)
            self.is_charged = True
        words = self._write(sender)
        more = {"event": self.event, "html": words.html, "short_text": words.short_text}
        release_connections()
        sender.notify(self.user, words.subject, words.text, **accepted(sender.notify, more))

    def _write(self, sender: AbstractOTPSender) -> Words:
        language = translation.get_language()
        with words_of(self.user, sender, self.seen):
            own = translation.get_language() or settings.LANGUAGE_CODE
            with translation.override(language):
                link = self._link(own)
            return write(self.event, self.context, link=link)

    def _link(self, language: str) -> str:
        """Return the link with which the owner answers, or ""."""
        url, change_pk = self.context.get("url", ""), self.context.get("change")
        if change_pk is None:
            return not_me.link(url, self.user, language)
        return undo_link.link(url, self.user, language, change_pk)

    def _charge(self, sender: AbstractOTPSender) -> None:
        receiver = notice_receiver(sender, self.user)
        scope = ""
        # Without Redis no code is sent, but a notice may be the only warning that its owner gets.
        with suppress(LoginUnavailable):
            scope = messages.charge_receiver(
                receiver, Origin(), is_known=True, has_reserve=self.event != _BY_STRANGERS
            )
        if scope:
            pk, reason = self.user.pk, f"limit reached: {scope}"
            audit.record(
                logging.WARNING, "owner not notified", user=pk, notice=self.event, reason=reason
            )
            _try_later(self.user, self.event)
            raise Withheld


def _report(user: Any, event: str, error: str) -> None:
    if error:
        audit.record(logging.ERROR, "owner not notified", user=user.pk, notice=event, error=error)
        with suppress(*DATABASE_ERRORS):  # the failure is reported all the same
            _try_later(user, event)


def _try_later(user: Any, event: str) -> None:
    if event == _BY_STRANGERS:
        messages.postpone_exhausted(user)
