"""Senders: what carries a code to the person it is for."""

import sys
from abc import ABC, abstractmethod
from typing import Any, cast

from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMultiAlternatives
from django.http.request import split_domain_port
from django.template.loader import render_to_string
from django.utils.encoding import punycode
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables

from swap_user.conf import swap_user_settings


class AbstractOTPSender(ABC):
    """Subclass this, define ``send``, and name the class in ``SWAP_USER["OTP_SENDER_CLASS"]``."""

    @abstractmethod
    def send(self, receiver: str, otp: str, **kwargs: Any) -> object:
        """
        Deliver ``otp``. Whatever this raises is logged, and the visitor is not told.

        Args:
            receiver: where to, as ``get_receiver`` gives it.
            otp: the code.
            kwargs: ``user``; ``expires_in``, for how many seconds from now the code counts;
                ``site_name`` and ``host``, what the visitor's site is called and its host name,
                either may be "". More may come in later versions.
        """

    def get_receiver(self, user: AbstractBaseUser) -> str:
        """Return where the codes of ``user`` go: the username, an email or a phone number."""
        return str(user.get_username())

    def notify(self, user: AbstractBaseUser, subject: str, text: str) -> None:
        """
        Tell ``user`` that their ways to log in changed; here by email, if they have an address.

        Args:
            user: who is told.
            subject: one line.
            text: the message, plain.
        """
        if address := email_address(user):
            EmailMultiAlternatives(subject, text, to=[address]).send()


class StdOutOTPSender(AbstractOTPSender):
    """Print the code where the server runs: for development, never for a site in use."""

    @sensitive_variables("otp")
    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """Print ``otp``; see AbstractOTPSender.send()."""
        minutes = _minutes(kwargs)
        sys.stdout.write(f"One-time code for {receiver}: {otp}  (valid for {minutes} min)\n")
        sys.stdout.flush()

    def notify(self, user: AbstractBaseUser, subject: str, text: str) -> None:
        """Print the message; see AbstractOTPSender.notify()."""
        sys.stdout.write(f"Message for {self.get_receiver(user)}: {subject}\n\n{text.strip()}\n\n")
        sys.stdout.flush()


class EmailOTPSender(AbstractOTPSender):
    """
    Send the code by email, from ``DEFAULT_FROM_EMAIL``, in text and HTML.

    A project changes the words by templates of its own under the same names.
    """

    subject_template = "swap_user/email/otp_subject.txt"
    text_template = "swap_user/email/otp.txt"
    html_template = "swap_user/email/otp.html"

    def get_receiver(self, user: AbstractBaseUser) -> str:
        """Return the user's email address, from the field that the model names for it."""
        return email_address(user)

    @sensitive_variables("otp", "context", "message")
    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """
        Send ``otp`` to the address ``receiver``; see AbstractOTPSender.send().

        Raises:
            ValueError: the user has no email address.
            Exception: whatever the email backend raises.
        """
        if not receiver:
            raise ValueError("The user has no email address.")
        context = {**kwargs, "otp": otp, "minutes": _minutes(kwargs)}
        # A subject is one line (RFC 5322 section 2.2).
        subject = " ".join(render_to_string(self.subject_template, context).split())
        text = render_to_string(self.text_template, context)
        message = EmailMultiAlternatives(subject, text, to=[receiver])
        message.attach_alternative(render_to_string(self.html_template, context), "text/html")
        message.send()


class AbstractSMSOTPSender(AbstractOTPSender):
    """
    Send the code by SMS; subclass this and define ``send_text``.

    The last line binds the code to the site's host, so that phones offer to fill it in there and
    nowhere else (WICG: origin-bound one-time codes). A project changes the words before it by a
    template of its own under the same name.
    """

    text_template = "swap_user/sms/otp.txt"

    @abstractmethod
    def send_text(self, receiver: str, text: str) -> object:
        """
        Deliver one SMS. Whatever this raises is logged, and the visitor is not told.

        Args:
            receiver: the phone number, as ``get_receiver`` gives it.
            text: all of it; nothing may follow its last line.
        """

    @sensitive_variables("otp", "text")
    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """
        Send ``otp`` to the phone number ``receiver``; see AbstractOTPSender.send().

        Raises:
            Exception: whatever ``send_text`` raises.
        """
        context = {**kwargs, "otp": otp, "minutes": _minutes(kwargs)}
        text = render_to_string(self.text_template, context).strip()
        if host := _bare_host(kwargs.get("host", "")):
            text = f"{text}\n\n@{host} #{otp}"
        self.send_text(receiver, text)

    def notify(self, user: AbstractBaseUser, subject: str, text: str) -> None:
        """Mail ``text`` to who has an email address, else send it by SMS."""
        if email_address(user):
            super().notify(user, subject, text)
        else:
            self.send_text(self.get_receiver(user), text.strip())


def _minutes(kwargs: dict[str, Any]) -> int:
    seconds: int = kwargs.get("expires_in", 0)
    return max(1, round(seconds / 60))


def _bare_host(host: str) -> str:
    """Return a host in ASCII and without its port, or "" if it is none."""
    try:
        return split_domain_port(punycode(host))[0]
    except UnicodeError:
        return ""


def email_address(user: AbstractBaseUser) -> str:
    """Return the user's email address, or ""."""
    # Not get_email_field_name(): phone models answer it with a field that holds no address.
    return str(getattr(user, getattr(user, "EMAIL_FIELD", "email"), "") or "")


def load_sender() -> AbstractOTPSender:
    """
    Return a sender of the class that the settings name.

    Raises:
        ImportError: there is no such class.
        TypeError: it is still abstract.
    """
    return sender_class()()


def sender_class() -> type[AbstractOTPSender]:
    """
    Return the class of senders that the settings name.

    Raises:
        ImportError: there is no such class.
    """
    return cast("type[AbstractOTPSender]", import_string(swap_user_settings.OTP_SENDER_CLASS))
