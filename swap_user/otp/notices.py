"""What the owner of an account is told when its ways to log in change (R37, NIST 4.6)."""

import logging
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone

from swap_user import signals
from swap_user.otp.dispatch import dispatch
from swap_user.otp.senders import load_sender
from swap_user.otp.site import site_name

logger = logging.getLogger("swap_user.security")

_EVENTS = {
    signals.authenticator_added: "authenticator_added",
    signals.authenticator_removed: "authenticator_removed",
    signals.recovery_codes_generated: "recovery_codes_generated",
    signals.recovery_code_used: "recovery_code_used",
}


def connect() -> None:
    """Tell owners of every event; ``SwapUserConfig.ready`` calls it."""
    for signal in _EVENTS:
        signal.connect(_on_event, dispatch_uid="swap_user.notices")


def _on_event(sender: object, signal: Any, user: Any, **kwargs: Any) -> None:
    authenticator = kwargs.get("authenticator")
    context = {
        "event": _EVENTS[signal],
        "name": str(authenticator) if authenticator is not None else "",
        "remaining": kwargs.get("remaining"),
        "at": timezone.now(),
        "site_name": site_name(""),
    }
    logger.info("sign-in methods changed: user=%s event=%s", user.pk, context["event"])
    dispatch(_tell, user, context)


def _tell(user: Any, context: dict[str, Any]) -> None:
    try:
        subject = " ".join(render_to_string("swap_user/notices/subject.txt", context).split())
        load_sender().notify(user, subject, render_to_string("swap_user/notices/text.txt", context))
    except Exception:
        # What was changed is changed, whether or not the message gets through.
        logger.exception("owner not told: user=%s event=%s", user.pk, context["event"])
