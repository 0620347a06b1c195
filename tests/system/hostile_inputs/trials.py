"""How many hostile inputs are tried, counted, and which settings let all of them in."""

from __future__ import annotations

import os
import time
from functools import wraps
from typing import Any, ClassVar

from django.conf import settings
from django.test import override_settings
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples

from swap_user.models import WrongGuess
from swap_user.otp.crypto import hotp
from swap_user.testing import outbox
from tests.support import totp, username

TOTAL = int(os.environ.get("HOSTILE_EXAMPLES", "2000"))

# Of a thousand inputs: the doors of the core are cheap, a page with its template is dear.
SHARES = {
    "authenticate": 510,
    "send_code": 300,
    "cookie": 40,
    "address": 50,
    "session": 30,
    "username page": 20,
    "password page": 10,
    "code page": 15,
    "resend": 5,
    "body": 15,
    "methods": 5,
}

KNOWN = username()

PASSWORD = "correct horse"

# No limit is reached, so that what is typed really gets to the code behind.
UNREACHABLE = 10**9

_UNLIMITED = [
    HealthCheck.too_slow,
    HealthCheck.function_scoped_fixture,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.filter_too_much,
]


class Tried:
    """How many inputs the running test has really been given; pytest adds them up."""

    properties: ClassVar[list[tuple[str, int]]] = []
    number = 0

    @classmethod
    def add(cls) -> None:
        cls.number += 1
        if cls.number % 1000 == 0:
            # A login adds up the wrong guesses, which have no limit here.
            WrongGuess.objects.all().delete()
        cls.properties[:] = [("hostile inputs", cls.number)]


def hostile(share: str, /, **strategies: Any) -> Any:
    """Run a test with its share of the inputs, and count them."""

    def decorate(test: Any) -> Any:
        @wraps(test)
        def counted(*args: Any, **kwargs: Any) -> None:
            Tried.add()
            test(*args, **kwargs)

        return examples(
            max_examples=max(10, TOTAL * SHARES[share] // sum(SHARES.values()) + 1),
            deadline=None,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=_UNLIMITED,
        )(given(**strategies)(counted))

    return decorate


def is_right(otp: Any) -> bool:
    """Say whether it is one of the codes that let the user in now, or did a moment ago."""
    now = time.time()
    shown = {totp(now + 30 * step) for step in (-2, -1, 0, 1)} | {each.otp for each in outbox}
    return hotp.normalize(otp) in shown


def changed(**swap_user: Any) -> override_settings:
    """Change settings for one input: pytest-django's fixture would pile the changes up."""
    return override_settings(SWAP_USER=settings.SWAP_USER | swap_user)
