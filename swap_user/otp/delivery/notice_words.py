"""The words of a notice: as plain text, as HTML, and as one SMS."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from swap_user.models import Authenticator
from swap_user.otp.delivery.segments import with_name
from swap_user.otp.site_name import site_name

_FOLDER = "swap_user/notices"
_SMS = "swap_user/sms/notice.txt"


@dataclass(frozen=True)
class Words:
    """
    A notice in the language that is active.

    Attributes:
        subject: the subject, one line.
        text: the message, in plain text.
        html: the message in HTML.
        short_text: the message as one SMS.
    """

    subject: str
    text: str
    html: str
    short_text: str


def write(event: str, context: dict[str, Any], *, link: str = "") -> Words:
    """
    Write a notice in the language and time zone that are active.

    Args:
        event: one of ``NOTICES``.
        context: variables for the templates.
        link: the URL of the page for "This wasn't me", or "".
    """
    at = timezone.now()
    if "at" in context:
        at = at.fromtimestamp(context["at"], tz=at.tzinfo)
    nothing = {"name": "", "remaining": 0, "browser": "", "network": ""}
    full = {**nothing, **context, "event": event, "at": at, "not_me_url": link}
    if "type" in context:
        # An authenticator without a name. Its label in ``name`` is in the language of the request.
        full["name"] = Authenticator.Type(context["type"]).label
    full["site_name"] = name = site_name("")
    subject = " ".join(render_to_string(f"{_FOLDER}/subject.txt", full).split())
    # In the HTML, the link is a button below the text.
    without_link = render_to_string(f"{_FOLDER}/text.txt", {**full, "not_me_url": ""}).strip()
    parts = {**full, "subject": subject, "text": without_link}

    def short(name: str) -> str:
        return " ".join(render_to_string(_SMS, {**full, "site_name": name}).split())

    return Words(
        subject=subject,
        text=render_to_string(f"{_FOLDER}/text.txt", full),
        html=render_to_string(f"{_FOLDER}/notice.html", parts),
        short_text=with_name(short, name),
    )


def accepted(function: Callable[..., Any], keywords: dict[str, Any]) -> dict[str, Any]:
    """
    Return the keywords that a function accepts.

    The ``notify()`` of a sender may have no ``**kwargs``, as in former versions.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return {}
    if any(each.kind is each.VAR_KEYWORD for each in parameters):
        return keywords
    named = {each.name for each in parameters if each.kind is not each.POSITIONAL_ONLY}
    return {name: value for name, value in keywords.items() if name in named}
