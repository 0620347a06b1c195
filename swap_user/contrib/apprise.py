"""Send codes with Apprise: by WhatsApp, Telegram, Signal, push and many other services."""

import logging
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from apprise import Apprise, NotifyFormat
from django.contrib.auth.base_user import AbstractBaseUser
from django.template.loader import render_to_string
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.connections import release_connections
from swap_user.otp.masked import Masked
from swap_user.otp.senders import AbstractOTPSender, minutes

# Apprise writes each message into its log at the level DEBUG, with the code.
logging.getLogger("apprise").addFilter(lambda record: record.levelno > logging.DEBUG)


class AppriseError(Exception):
    """Apprise has not delivered a message. Its own log has the reason."""


class AppriseSender(AbstractOTPSender):
    """Send codes and notices to the URLs of Apprise that ``get_urls()`` returns."""

    urls: ClassVar[Sequence[str]] = ()
    """URLs of Apprise, in which ``{receiver}`` stands for the result of ``get_receiver()``."""

    title_template = "swap_user/email/otp_subject.txt"
    text_template = "swap_user/sms/otp.txt"

    def get_urls(self, user: AbstractBaseUser) -> list[str]:
        """Return the URLs for ``user``. They may contain passwords."""
        receiver = quote(self.get_receiver(user), safe="")
        return [url.replace("{receiver}", receiver) for url in self.urls]

    @sensitive_variables()
    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """
        Send ``otp``; see AbstractOTPSender.send().

        Raises:
            AppriseError: a URL is not valid, or a service has not accepted the message.
        """
        context = {**kwargs, "otp": otp, "minutes": minutes(kwargs)}
        title = Masked(" ".join(render_to_string(self.title_template, context).split()))
        text = Masked(render_to_string(self.text_template, context)).strip()
        self._deliver(kwargs["user"], title, text)

    def notify(self, user: AbstractBaseUser, subject: str, text: str, **kwargs: Any) -> None:
        """Notify ``user`` in the same way; see AbstractOTPSender.notify()."""
        self._deliver(user, subject, text.strip())

    @sensitive_variables()
    def _deliver(self, user: AbstractBaseUser, title: str, text: str) -> None:
        service = self._service(user)
        if service is None:
            raise AppriseError("There is no URL, or Apprise does not know one of them.")
        release_connections()
        if not service.notify(text, title=title, body_format=NotifyFormat.TEXT):
            raise AppriseError("A service has not accepted the message.")

    def _service(self, user: AbstractBaseUser) -> Apprise | None:
        service, urls = Apprise(), self.get_urls(user)
        return service if urls and all(service.add(url) for url in urls) else None
