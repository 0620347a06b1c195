"""What follows from a login and from a new app, by signals."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.http import HttpRequest

from swap_user.otp.enforcement import rule
from swap_user.otp.enforcement.pages import remind
from swap_user.otp.enforcement.standing import forget, standing
from swap_user.otp.sessions import proof
from swap_user.signals import authenticator_added, authenticator_removed


def connect() -> None:
    """
    Connect the receivers. ``SwapUserConfig.ready()`` calls this function.

    It must be called after the receiver that records the factors of a login is connected.
    """
    user_logged_in.connect(note_login, dispatch_uid="swap_user.enforcement")
    for change in (authenticator_added, authenticator_removed):
        change.connect(note_change, dispatch_uid="swap_user.enforcement")


def note_login(sender: object, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """
    Begin the grace period at a login with a code, and remind the user of it.

    A login without a code may be that of staff who act as the user.
    """
    session = getattr(request, "session", None)
    if request is None or session is None or not rule.exists():
        return
    forget(session)
    if proof.session_factors(request):
        remind(request, standing(request))


def note_change(sender: object, request: HttpRequest | None = None, **kwargs: Any) -> None:
    """Let the next request notice that an app was added or removed."""
    session = getattr(request, "session", None)
    if session is not None:
        forget(session)
