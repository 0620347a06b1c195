"""
The recovery codes that a session can show again for ten minutes.

The session contains a ciphertext (R27), which is bound to the user and to the flow of the session:
copied to another session, it can't be decrypted. A session in a cookie may be kept by the browser,
so the expiry is inside the ciphertext too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from swap_user.otp.authenticators.secrets import keyring
from swap_user.otp.exceptions import EncryptionError
from swap_user.otp.masked import Masked
from swap_user.otp.visitors import flow

SESSION_KEY = "_swap_user_recovery_codes"

# How long the codes can be shown again, in seconds.
SECONDS = 600


@dataclass(frozen=True, slots=True)
class ShownCodes:
    """
    A set of recovery codes.

    Attributes:
        codes: the codes.
        set_id: the id of the set in the database.
        made_at: when the set was made, Unix time in seconds.
    """

    codes: Sequence[str]
    set_id: int
    made_at: float

    def __repr__(self) -> str:
        return f"<ShownCodes {self.set_id}>"


def save(request: HttpRequest, shown: ShownCodes) -> None:
    """Store the codes in the session of the logged-in user."""
    flow.begin(request)
    text = Masked(f"{shown.set_id} {shown.made_at} {' '.join(shown.codes)}")
    request.session[SESSION_KEY] = keyring().encrypt(
        text, associated_data=_associated_data(request)
    )


def load(request: HttpRequest, *, now: float) -> ShownCodes | None:
    """
    Return the codes of the session, or None if there are none or they have expired.

    Args:
        request: a request of the user who made the codes.
        now: Unix time in seconds.
    """
    sealed = request.session.get(SESSION_KEY)
    if sealed is None:
        return None
    try:
        text = keyring().decrypt(sealed, associated_data=_associated_data(request))
        set_id, made_at, *codes = text.split()
        shown = ShownCodes(codes, int(set_id), float(made_at))
    except (EncryptionError, ValueError):
        return None
    return shown if shown.made_at <= now < shown.made_at + SECONDS else None


def _associated_data(request: HttpRequest) -> str:
    return f"recovery codes|{request.user.pk}|{flow.current(request)}"
