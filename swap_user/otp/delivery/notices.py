"""
Notices: messages that tell the owner of an account about a change or an attack (R37).

See NIST SP 800-63B-4 section 4.6. Which events cause a notice is in ``delivery/events.py``.
"""

import logging
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import translation

from swap_user.conf import SwapUserSettings
from swap_user.otp import audit
from swap_user.otp.availability import DATABASE_ERRORS
from swap_user.otp.connections import release_connections
from swap_user.otp.delivery import not_me, undo_link
from swap_user.otp.delivery.notice_words import Words, accepted, write
from swap_user.otp.delivery.owner import Seen, last_seen, words_of
from swap_user.otp.delivery.retry import Message, Withheld, send_message
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.senders import (
    AbstractOTPSender,
    email_address,
    load_sender,
    notice_receiver,
    sender_class,
)
from swap_user.otp.throttling import messages
from swap_user.otp.visitors.visitor import Origin
from swap_user.users.databases import written

NOTICES: Sequence[str] = SwapUserSettings.OTP_NOTICES.default
"""The names of all notices, which are the default of OTP_NOTICES."""

BY_STRANGERS = "guesses_exhausted"
"""The notice that strangers can cause, at any number of accounts."""

# How long to retry a notice, in seconds.
_RETRY_FOR = 3600


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
        send_notice(user, event, language, context)


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
    send_notice(user, event, language, context)


def send_notice(user: Any, event: str, language: str | None, context: dict[str, Any]) -> None:
    """
    Send a notice to a user, unless there is no address for it or a limit is reached.

    Args:
        user: the user.
        event: one of ``NOTICES``.
        language: language of the request, or None. The notice is in the language of the user.
        context: variables for the templates, see ``notify()``.
    """
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
        reaches=lambda sender: notice_receiver(sender, user),
        withheld=partial(_try_later, user, event),
    )
    send_message(message)


@dataclass
class _Attempts:
    """The attempts to send one notice. The first that knows a receiver charges the message."""

    user: Any
    event: str
    context: dict[str, Any]
    seen: Seen
    charged: set[str] = field(default_factory=set)

    def __call__(self, sender: AbstractOTPSender) -> None:
        """
        Make one attempt.

        Raises:
            Withheld: a limit on messages is reached.
            Exception: an exception of the sender.
        """
        receiver = notice_receiver(sender, self.user)
        if receiver not in self.charged:
            self._charge(receiver)
            self.charged.add(receiver)
        words = self._write()
        more = {"event": self.event, "html": words.html, "short_text": words.short_text}
        release_connections()
        sender.notify(self.user, words.subject, words.text, **accepted(sender.notify, more))

    def _write(self) -> Words:
        language = translation.get_language()
        with words_of(self.user, load_sender(), self.seen):
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

    def _charge(self, receiver: str) -> None:
        scope = ""
        # Without Redis no code is sent, but a notice may be the only warning that its owner gets.
        with suppress(LoginUnavailable):
            scope = messages.charge_receiver(
                receiver, Origin(), is_known=True, has_reserve=self.event != BY_STRANGERS
            )
        if scope:
            pk, reason = self.user.pk, f"limit reached: {scope}"
            audit.record(
                logging.WARNING, "owner not notified", user=pk, notice=self.event, reason=reason
            )
            raise Withheld


def _report(user: Any, event: str, error: str) -> None:
    if error:
        audit.record(logging.ERROR, "owner not notified", user=user.pk, notice=event, error=error)
        _try_later(user, event)


def _try_later(user: Any, event: str) -> None:
    if event == BY_STRANGERS:
        with suppress(*DATABASE_ERRORS):  # what is reported or logged does not depend on it
            messages.postpone_exhausted(user)
