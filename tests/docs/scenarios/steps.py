"""What scenarios share: who logs in, and where their codes are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

EMAIL, PHONE = "me@example.com", "+447400123456"

SCENARIOS: dict[str, Callable[[], None]] = {}


def scenario(*names: str) -> Callable[[Callable[[], None]], Callable[[], None]]:
    def register(function: Callable[[], None]) -> Callable[[], None]:
        SCENARIOS.update(dict.fromkeys(names, function))
        return function

    return register


# A code of a login has six digits, one that confirms an address eight.
CODE = r"\b(\d{6}|\d{8})\b"


def code_mails() -> list[Any]:
    """Return the messages that carry a code, and none of those that tell of a change."""
    from django.core import mail

    return [each for each in mail.outbox if re.search(CODE, each.body)]


def mailed() -> str:
    return re.search(CODE, code_mails()[-1].body)[0]


def pushed() -> str:
    from mysite import push

    return re.search(r"\b\d{6}\b", push.sent[-1][2])[0]


def remembered() -> str:
    from swap_user.testing import outbox

    return outbox[-1].otp


def app_code(secret: str, *, steps: int = 0) -> str:
    """Return what an app with this secret shows, or will in so many steps."""
    import time

    import pyotp

    return pyotp.TOTP(secret).at(time.time(), counter_offset=steps)


def user_known_by(name: str, **fields: Any) -> Any:
    """Return the superuser that the page made, or make one."""
    from django.contrib.auth import get_user_model

    users = get_user_model()._default_manager
    found = users.filter(**{users.model.USERNAME_FIELD: name}).first()
    return found or users.create_superuser(name, **fields)


def log_in(
    name: str, read: Callable[[], str], site: str = "/admin/", *, secure: bool = False
) -> None:
    """Log in to an admin over its two pages."""
    from django.test import Client

    client = Client(HTTP_HOST="www.example.com") if secure else Client()
    asked = client.post(f"{site}login/", {"username": name, "next": site}, secure=secure)
    assert asked.status_code == 302, asked.content.decode()
    entered = client.post(asked["Location"], {"otp": read(), "next": site}, secure=secure)
    assert entered.status_code == 302, entered.content.decode()
    assert entered["Location"] == site
    assert "Site administration" in client.get(site, secure=secure).content.decode()


def give_app(user: Any) -> str:
    """Enroll an app, whose next code is still to be had, and return its secret."""
    from swap_user.otp import enroll

    enrollment = enroll(user)
    enrollment.confirm(app_code(enrollment.secret))
    return enrollment.secret
