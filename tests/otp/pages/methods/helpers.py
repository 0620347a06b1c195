"""What tests of the pages on sign-in methods share."""

from __future__ import annotations

import re
import time
from typing import Any

from django.test import Client

from swap_user.models import Authenticator
from swap_user.otp.crypto.hotp import code_at, time_step
from tests.otp.pages.login.helpers import INDEX

METHODS = "/admin/sign-in-methods/"
ADD = f"{METHODS}add/"
CODES = f"{METHODS}recovery-codes/"


def rename(row: Authenticator) -> str:
    return f"{METHODS}{row.pk}/rename/"


def remove(row: Authenticator) -> str:
    return f"{METHODS}{row.pk}/remove/"


def secret_in(response: Any) -> str:
    """The secret that a page shows to be typed."""
    (found,) = re.findall(r"<code[^>]*>([A-Z2-7 ]+)</code>", response.content.decode())
    return str(found).replace(" ", "")


def begin(client: Client, name: str = "Work phone", **data: str) -> str:
    """The first half of adding; the secret comes back."""
    response = client.post(ADD, {"name": name, **data}, follow=True)
    assert response.status_code == 200
    return secret_in(response)


def totp_of(secret: str, now: float | None = None) -> str:
    return code_at(secret, time_step(time.time() if now is None else now, period=30))


def add(client: Client, name: str = "Work phone") -> Any:
    return client.post(ADD, {"otp": totp_of(begin(client, name))})


def make_stale(client: Client) -> None:
    shown_at(client, time.time() - 600)


def freshen(client: Client) -> None:
    shown_at(client, time.time())


def shown_at(client: Client, at: float) -> None:
    """Let the login of this browser have been at another time."""
    session = client.session
    proof = session["_swap_user_proof"]
    session["_swap_user_proof"] = proof | {"factors": dict.fromkeys(proof["factors"], at)}
    session.save()


def is_in(client: Client) -> bool:
    return client.get(INDEX).status_code == 200
