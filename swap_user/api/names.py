"""The username in a body, which the same form checks as on the pages."""

from typing import Any

from swap_user.api.body import REQUIRED
from swap_user.api.operations import Call
from swap_user.api.problems import invalid
from swap_user.otp.pages.login.forms import UsernameForm
from swap_user.users import usernames


class _Form(UsernameForm):
    """Asks for the username only, also where the policy asks for a password first."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("password", None)


def username_of(call: Call) -> str:
    """
    Return the canonical username in the body. Users who are logged in can leave out their own.

    Args:
        call: the request.

    Raises:
        Problem: no user can have this username, or the session token is that of another user.
    """
    own = usernames.stored(call.user) if call.user.is_authenticated else ""
    typed = call.texts.get("username", own)
    if not typed:
        raise invalid({"username": REQUIRED})
    username = own if typed == own else _canonical(typed)
    if own and call.is_app and username != own:
        raise invalid({"username": "The session token is that of another user."})
    return username


def _canonical(typed: str) -> str:
    form = _Form({"username": typed})
    if not form.is_valid():
        raise invalid(dict(form.errors))
    return str(form.cleaned_data["username"])
