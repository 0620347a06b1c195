"""
The mails of the demo, and the page that shows them.

Nothing is sent. The mails stay in the memory of this process, so codes are not stored on disk.
Whoever can open the page can read all codes: a real site must never have such a page.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache

# The styles of a mail are inside of it. It loads nothing and runs nothing.
_POLICY = (
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'self'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class Mail:
    """A mail that a real site would have sent."""

    to: str
    subject: str
    text: str
    html: str
    sent_at: datetime = field(default_factory=timezone.now)

    @property
    def framed_html(self) -> str:
        """The HTML for a frame, whose links open in a new tab."""
        return self.html.replace("<head>", '<head><base target="_blank">', 1)


MAILS: deque[Mail] = deque(maxlen=100)
"""The last mails, the newest first."""


class MemoryMailBackend(BaseEmailBackend):
    """Keep mails for the page in place of sending them."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep the messages, and return their number."""
        for message in email_messages:
            MAILS.appendleft(
                Mail(
                    to=", ".join(message.recipients()),
                    subject=str(message.subject),
                    text=str(message.body),
                    html=_html(message),
                )
            )
        return len(email_messages)


def _html(message: EmailMessage) -> str:
    for content, mimetype in getattr(message, "alternatives", ()):
        if mimetype == "text/html":
            return str(content)
    return ""


@never_cache
def mails_page(request: HttpRequest) -> HttpResponse:
    """
    Show all mails, the newest first.

    Raises:
        Http404: the request comes from another computer.
    """
    if not ip_address(request.META["REMOTE_ADDR"]).is_loopback:
        raise Http404("Mails are shown only on the computer that runs the demo.")
    response = render(request, "shop/mails.html", {"mails": tuple(MAILS)})
    response.headers["Content-Security-Policy"] = _POLICY
    return response
