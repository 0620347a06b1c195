"""Senders: classes that deliver codes and notices to users."""

import sys
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, ClassVar, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.http.request import split_domain_port
from django.template.loader import render_to_string
from django.utils.encoding import punycode
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings
from swap_user.otp.connections import release_connections
from swap_user.otp.masked import Masked
from swap_user.users.characters import ascii_domain

# No mail server answers such a message with a note of absence (RFC 3834 section 5).
_HEADERS = {"Auto-Submitted": "auto-generated"}


@dataclass(frozen=True)
class Channel:
    """
    One of several ways to send a code.

    Attributes:
        name: identifies the channel in forms and jobs, such as "sms".
        sender: the class of its sender, or the dotted path of it.
        label: what visitors read on the button of the channel. It may be a lazy translation.
    """

    name: str
    sender: "type[AbstractOTPSender] | str"
    label: Any


class AbstractOTPSender(ABC):
    """
    Base class of senders.

    A subclass defines ``send()`` and is named in ``SWAP_USER["OTP_SENDER_CLASS"]``.
    """

    channels: ClassVar[Sequence[Channel]] = ()
    """The channels that every visitor is offered. The first one is the default."""

    @abstractmethod
    def send(self, receiver: str, otp: str, **kwargs: Any) -> object:
        """
        Deliver ``otp``. An exception is logged, and the visitor sees no difference.

        This thread has no database connection when the method is called. If it queries the
        database, it should call ``release_connections()`` before it waits for a network.

        Args:
            receiver: the address or phone number that ``get_receiver()`` returned.
            otp: the code.
            kwargs: ``user``; ``expires_in``, the remaining lifetime of the code in seconds;
                ``site_name`` and ``host``, the name and the host name of the site, which may be
                ""; ``is_known``, whether a known browser has requested the code. If the code
                confirms an address and is not for a login, there is ``purpose`` in place of
                ``is_known``: "change" or "sign-up". Then ``user`` is a copy with the new address,
                or a new user; do not save it. Later versions may add more arguments.
        """

    def get_receiver(self, user: AbstractBaseUser) -> str:
        """
        Return the address or phone number that codes of ``user`` are sent to: the username.

        A phone number is in E.164 format, whatever format the project displays.
        """
        username = user.get_username()
        return str(getattr(username, "as_e164", username))

    def routes(self, channel: str = "") -> "Sequence[AbstractOTPSender]":
        """
        Return the senders that an attempt to send a message uses: each if those before it fail.

        Args:
            channel: the name of the channel that the visitor wants, or "".
        """
        return [self]

    @classmethod
    def problems(cls) -> Iterable[tuple[str, str]]:
        """Yield what ``manage.py check`` reports about this class: each problem, and a hint."""
        return ()

    def get_language(self, user: AbstractBaseUser) -> str:
        """
        Return the language code of notices to ``user``, or "" if it is not known.

        By default, this is the attribute ``language`` or ``preferred_language`` of the user. If it
        is empty, or no language of the site, notices have the language of the user's last login in
        a known browser, or else LANGUAGE_CODE.
        """
        code = getattr(user, "language", "") or getattr(user, "preferred_language", "")
        return str(code or "")

    def get_timezone(self, user: AbstractBaseUser) -> str | tzinfo:
        """
        Return the time zone of notices to ``user``, or its name, or "" if it is not known.

        By default, this is the attribute ``timezone`` of the user. If it is empty or does not
        exist, times are in the time zone of the user's last login in a known browser, or else in
        TIME_ZONE.
        """
        zone = getattr(user, "timezone", "") or ""
        return zone if isinstance(zone, tzinfo) else str(zone)

    def notify(self, user: AbstractBaseUser, subject: str, text: str, **kwargs: Any) -> None:
        """
        Notify ``user`` of an event of their account, by email if they have an address.

        Args:
            user: the owner of the account.
            subject: the subject, one line.
            text: the message, in plain text.
            kwargs: ``event``, the name of the notice; ``html``, the message in HTML;
                ``short_text``, the message as one SMS. Later versions may add more arguments. They
                are passed only if the method accepts them.
        """
        if address := email_address(user):
            message = EmailMultiAlternatives(subject, text, to=[address], headers=_HEADERS)
            if html := kwargs.get("html"):
                message.attach_alternative(html, "text/html")
            release_connections()
            message.send()


class StdOutOTPSender(AbstractOTPSender):
    """Print codes to the server's standard output. For development only."""

    @sensitive_variables("otp")
    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """Print ``otp``; see AbstractOTPSender.send()."""
        text = f"{otp}  (valid for {minutes(kwargs)} min)"
        sys.stdout.write(f"One-time code for {receiver}: {text}\n")
        sys.stdout.flush()

    def notify(self, user: AbstractBaseUser, subject: str, text: str, **kwargs: Any) -> None:
        """Print the message; see AbstractOTPSender.notify()."""
        sys.stdout.write(f"Message for {self.get_receiver(user)}: {subject}\n\n{text.strip()}\n\n")
        sys.stdout.flush()


class EmailOTPSender(AbstractOTPSender):
    """
    Send codes by email, from ``DEFAULT_FROM_EMAIL``, in plain text and HTML.

    A project can override the templates with its own.
    """

    subject_template = "swap_user/email/otp_subject.txt"
    text_template = "swap_user/email/otp.txt"
    html_template = "swap_user/email/otp.html"

    def get_receiver(self, user: AbstractBaseUser) -> str:
        """Return the user's email address, from the model's ``EMAIL_FIELD``."""
        return email_address(user)

    @sensitive_variables("otp", "context", "message")
    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """
        Send ``otp`` to the address ``receiver``; see AbstractOTPSender.send().

        Raises:
            ValueError: the user has no email address.
            Exception: an exception of the email backend.
        """
        if not receiver:
            raise ValueError("The user has no email address.")
        context = {**kwargs, "otp": otp, "minutes": minutes(kwargs)}
        # A subject is one line (RFC 5322 section 2.2).
        subject = Masked(" ".join(render_to_string(self.subject_template, context).split()))
        text = Masked(render_to_string(self.text_template, context))
        message = EmailMultiAlternatives(subject, text, to=[receiver], headers=_HEADERS)
        html = Masked(render_to_string(self.html_template, context))
        message.attach_alternative(html, "text/html")
        release_connections()  # a template or a subclass may have queried the database
        message.send()


class AbstractSMSOTPSender(AbstractOTPSender):
    """
    Base class of senders that send codes by SMS. A subclass defines ``send_text()``.

    The last line of the message contains the host name of the site, so that phones offer to fill in
    the code on this site only (WICG: origin-bound one-time codes). A project can override the
    template of the text before that line.
    """

    text_template = "swap_user/sms/otp.txt"

    @abstractmethod
    def send_text(self, receiver: str, text: str) -> object:
        """
        Deliver one SMS. An exception is logged, and the visitor sees no difference.

        Args:
            receiver: the phone number that ``get_receiver()`` returned.
            text: the whole text. Don't add anything after its last line.
        """

    @sensitive_variables("otp", "text")
    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """
        Send ``otp`` to the phone number ``receiver``; see AbstractOTPSender.send().

        Raises:
            Exception: an exception of ``send_text()``.
        """
        context = {**kwargs, "otp": otp, "minutes": minutes(kwargs)}
        text = Masked(render_to_string(self.text_template, context)).strip()
        if host := _bare_host(kwargs.get("host", "")):
            text = Masked(f"{text}\n\n@{host} #{otp}")
        release_connections()  # a template or a subclass may have queried the database
        self.send_text(receiver, text)

    def notify(self, user: AbstractBaseUser, subject: str, text: str, **kwargs: Any) -> None:
        """Notify ``user`` by email if they have an address, else by one SMS."""
        receiver = _email_or_phone(self, user)
        if receiver == email_address(user):
            super().notify(user, subject, text, **kwargs)
        else:
            release_connections()
            short = kwargs.get("short_text") or text.strip()
            self._send_notice(receiver, short, kwargs.get("event", ""))

    def _send_notice(self, receiver: str, text: str, event: str) -> None:
        self.send_text(receiver, text)


def minutes(kwargs: dict[str, Any]) -> int:
    """Return ``expires_in`` in minutes, at least one."""
    seconds: int = kwargs.get("expires_in", 0)
    return max(1, round(seconds / 60))


def _bare_host(host: str) -> str:
    """Return the host name in ASCII without its port, or "" if it is not valid."""
    try:
        return split_domain_port(punycode(host))[0]
    except UnicodeError:
        return ""


def email_address(user: AbstractBaseUser) -> str:
    """
    Return the user's email address, or "" if there is none.

    The domain is in ASCII. Django would convert it with Python's codec, which replaces ß by ss, and
    that domain may belong to someone else.
    """
    # Not get_email_field_name(): models without an email field return the phone field there.
    address = str(getattr(user, getattr(user, "EMAIL_FIELD", "email"), "") or "")
    local, at, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}" if at and not domain.isascii() else address


def notice_receiver(sender: AbstractOTPSender, user: AbstractBaseUser) -> str:
    """
    Return the address or phone number that ``sender.notify()`` sends to, or "" for none.

    A notice is charged to it. Where the ``notify()`` of a project sends is not known, so its
    notices count as messages to where codes go.

    Args:
        sender: the sender that notifies.
        user: the owner of the account.
    """
    notify = type(sender).notify
    if notify is AbstractOTPSender.notify:
        return email_address(user)
    if notify is AbstractSMSOTPSender.notify:
        return _email_or_phone(sender, user)
    return sender.get_receiver(user)


def _email_or_phone(sender: AbstractOTPSender, user: AbstractBaseUser) -> str:
    return email_address(user) or sender.get_receiver(user)


def load_sender() -> AbstractOTPSender:
    """
    Return a new sender of the class in OTP_SENDER_CLASS.

    Raises:
        ImportError: the class can't be imported.
        TypeError: the class is abstract.
    """
    return sender_class()()


def offered_channels() -> Sequence[Channel]:
    """Return the channels that visitors may choose from. They depend on the settings only."""
    try:
        return sender_class().channels
    except Exception:  # noqa: BLE001 - the job reports a sender that can't be imported
        return ()


def sender_class() -> type[AbstractOTPSender]:
    """
    Return the class in OTP_SENDER_CLASS.

    Raises:
        ImportError: the class can't be imported.
    """
    return cast("type[AbstractOTPSender]", import_string(swap_user_settings.OTP_SENDER_CLASS))
