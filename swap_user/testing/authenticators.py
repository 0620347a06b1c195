"""Authenticator apps of tests."""

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation

from swap_user.conf import swap_user_settings
from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import open_secret, seal
from swap_user.otp.crypto import hotp
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.masked import reveal
from swap_user.otp.store import keys, scripts
from swap_user.users.databases import written

_FORGET = scripts.Script("return redis.call('DEL', keys.mark)")


@dataclass(frozen=True, slots=True)
class EnrolledAuthenticator:
    """
    An authenticator app of a test.

    Attributes:
        authenticator: the row in the database.
    """

    authenticator: Authenticator

    def now(self) -> str:
        """
        Return a code that is accepted now: the one that the app shows, if it was not used yet.

        Each code works once. After that, this is the code that the app shows next, which is
        accepted early (OTP_FUTURE_STEPS). If all of these are used, it is again the current one,
        and that it was used is forgotten. So a test need not move the clock.

        In asynchronous code, where the database can't be read, it is always the current code.
        ``anow()`` does the same as this method in other code.
        """
        app = self.authenticator
        step = hotp.time_step(time.time(), period=app.period)
        with suppress(SynchronousOnlyOperation):
            step = self._unused(step)
        code = hotp.code_at(open_secret(app), step, digits=app.digits, algorithm=app.algorithm)
        return reveal(code)

    async def anow(self) -> str:
        """See now(). For asynchronous tests."""
        return await sync_to_async(self.now)()

    def _unused(self, step: int) -> int:
        """Return the first time step from this one on whose code is accepted."""
        row = written(Authenticator).filter(pk=self.authenticator.pk)
        used = row.values_list("consumed", flat=True).first()
        if used is None or used < step:
            return step
        if used < step + swap_user_settings.OTP_FUTURE_STEPS:
            return used + 1
        row.update(consumed=step - 1)
        owner, app = keys.account_key_of(self.authenticator.user), self.authenticator.pk.hex
        with suppress(LoginUnavailable):
            _FORGET({"mark": keys.redis_key(owner, "consumed", app)})
        return step


def enroll_authenticator(user: Any, name: str = "Test app") -> EnrolledAuthenticator:
    """
    Give a user an authenticator app. Redis is not needed, and the owner is not notified.

    Args:
        user: the owner.
        name: the name of the authenticator.

    Returns:
        An object whose ``now()`` returns a code of the app that is accepted now.
    """
    authenticator = Authenticator(user=user, type=Authenticator.Type.TOTP, name=name)
    seal(authenticator, hotp.generate_secret())
    authenticator.save(force_insert=True)
    return EnrolledAuthenticator(authenticator)
