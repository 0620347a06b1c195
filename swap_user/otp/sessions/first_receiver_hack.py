"""
A hack that hides codes from the receivers of ``user_login_failed`` (R41).

Django hides credentials from receivers by their names. Its list of names does not contain ``otp``
and can't be changed. A refused code may still be valid in another browser or for another user. All
receivers get the same dict, in the order in which they were connected. So the receiver of this
module replaces the code in the dict, and must be the first. Signals have no public method to
connect a receiver as the first.

It also adds the username under the name of the model's USERNAME_FIELD. django-axes looks for that
name, and would count no failure of a user model without a field ``username``.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_login_failed

HIDDEN = "*" * 20

_UID = "swap_user.first_receiver_hack"


def hide_codes_from_receivers() -> None:
    """Connect the receiver that hides codes as the first receiver."""
    user_login_failed.disconnect(dispatch_uid=_UID)
    user_login_failed.connect(_change_credentials, dispatch_uid=_UID)
    with user_login_failed.lock:
        user_login_failed.receivers.insert(0, user_login_failed.receivers.pop())
        user_login_failed.sender_receivers_cache.clear()


def _change_credentials(sender: object, credentials: dict[str, Any], **kwargs: Any) -> None:
    if "otp" in credentials:
        credentials["otp"] = HIDDEN
    if "username" in credentials:
        credentials.setdefault(get_user_model().USERNAME_FIELD, credentials["username"])
