"""
What a visitor has entered for a sign-up, which the session keeps until the address is confirmed.

It is personal data of a visitor without an account. So it ends with the code, at a login, and when
the visitor begins again.
"""

from collections.abc import Mapping, Sequence

from django.contrib.sessions.backends.base import SessionBase

from swap_user.otp.visitors import code_request
from swap_user.otp.visitors.code_request import SIGN_UP_KEY

SESSION_KEY = "_swap_user_sign_up"

MOST_ENTERED = 2000
"""
The largest number of characters that the session keeps of a form.

Anyone can fill in the form, and a session in a cookie has 4,096 bytes in all.
"""

# For so many seconds after the code has expired, the form is filled in once more.
_FILLED_IN_FOR = 3600

Entered = Mapping[str, Sequence[str]]
"""The values of a form, by the names of its inputs."""


def is_too_long(entered: Entered) -> bool:
    """Return whether a form has more characters than the session keeps."""
    return sum(len("".join([name, *texts])) for name, texts in entered.items()) > MOST_ENTERED


def save(session: SessionBase, entered: Entered) -> None:
    """Keep a form as long as the code request of the sign-up, which is saved before."""
    session[SESSION_KEY] = {name: list(values) for name, values in entered.items()}


def load(session: SessionBase, now: float) -> dict[str, list[str]]:
    """
    Return the form, or an empty one if the code expired more than an hour ago.

    Args:
        session: the visitor's session.
        now: Unix time in seconds.
    """
    asked = code_request.load(session, SIGN_UP_KEY)
    if asked is None or now >= asked.expires_at + _FILLED_IN_FOR:
        return {}
    match session.get(SESSION_KEY):
        case dict(entered):
            return {
                str(name): [str(value) for value in values]
                for name, values in entered.items()
                if isinstance(values, list)
            }
        case _:
            return {}


def forget_expired(session: SessionBase, now: float) -> None:
    """
    Forget a sign-up whose code has expired.

    Args:
        session: the visitor's session.
        now: Unix time in seconds.
    """
    asked = code_request.load(session, SIGN_UP_KEY)
    if asked is None or not asked.expires_in(now):
        forget(session)


def forget(session: SessionBase) -> None:
    """Forget a sign-up: the form and its code request."""
    session.pop(SESSION_KEY, None)
    code_request.clear(session, SIGN_UP_KEY)
