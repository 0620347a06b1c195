"""Codes are kept from those who listen for failed logins (R41)."""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth.signals import user_login_failed

STARS = "*" * 20


def mask_codes() -> None:
    """
    Let ``user_login_failed`` receivers see stars in place of ``otp``; ``ready`` calls it.

    Django masks credentials by name and knows "otp_token", not "otp". A code that was refused may
    still be good: somebody else's, or typed in another browser.
    """
    user_login_failed.disconnect(dispatch_uid="swap_user.masking")
    user_login_failed.connect(_mask, dispatch_uid="swap_user.masking")
    # All receivers are handed the same dict, in their order: this one has to come first.
    with user_login_failed.lock:
        user_login_failed.receivers.insert(0, user_login_failed.receivers.pop())
        user_login_failed.sender_receivers_cache.clear()
    if apps.is_installed("axes"):
        _mask_in_axes()


def _mask_in_axes() -> None:
    """
    Let django-axes leave out codes where it stores what was posted.

    It takes that from the request, and knows passwords only.
    """
    import_module("axes.conf")  # sets its defaults
    theirs: Any = settings
    names = list(theirs.AXES_SENSITIVE_PARAMETERS)
    if "otp" not in names:
        theirs.AXES_SENSITIVE_PARAMETERS = [*names, "otp"]


def _mask(sender: object, credentials: dict[str, Any], **kwargs: Any) -> None:
    if "otp" in credentials:
        credentials["otp"] = STARS
