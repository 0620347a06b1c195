"""
A hack: be the first receiver of ``user_login_failed``, to hide codes from the others (R41).

Django hides credentials from receivers by name, and its list of names has no ``otp`` and can't be
changed. A refused code may still be usable: in another browser, or for another user. All
receivers get the same dict in the order in which they were connected, so this one must be first.
Signals have no public way to connect a receiver first.
"""

from typing import Any

from django.contrib.auth.signals import user_login_failed

HIDDEN = "*" * 20

_UID = "swap_user.first_receiver_hack"


def hide_codes_from_receivers() -> None:
    """Connect the receiver that hides codes, as the first one."""
    user_login_failed.disconnect(dispatch_uid=_UID)
    user_login_failed.connect(_hide_code, dispatch_uid=_UID)
    with user_login_failed.lock:
        user_login_failed.receivers.insert(0, user_login_failed.receivers.pop())
        user_login_failed.sender_receivers_cache.clear()


def _hide_code(sender: object, credentials: dict[str, Any], **kwargs: Any) -> None:
    if "otp" in credentials:
        credentials["otp"] = HIDDEN
