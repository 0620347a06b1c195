"""The backend: it adapts Django's call, and delegates."""

from inspect import signature
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.verification import outcomes, verifier
from swap_user.otp.visitors.visitor import visitor


class OTPBackend(ModelBackend):
    """
    Log in with a one-time code, for any user model; permissions are those of ModelBackend.

    A call without ``otp`` is somebody else's: it costs nothing here.
    """

    @sensitive_variables("otp")
    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        username: object = None,
        otp: object = None,
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        """
        Return the user whom the code lets in, or None. A code counts once.

        Where too many codes were tried, it is not looked at; ``swap_user.otp.limited(request)``
        then says for how long.

        Args:
            request: the visitor's; a sent code counts only in the session that asked for it.
            username: as typed; the model's USERNAME_FIELD works in its place.
            otp: the code as typed.

        Raises:
            LoginUnavailable: Redis can't be reached.
        """
        if otp is None:
            return None
        if username is None:
            username = kwargs.get(get_user_model().USERNAME_FIELD)
        outcome = verifier.verify(
            username, otp, visitor(request), allowed=self.user_can_authenticate
        )
        outcomes.note(request, outcome)
        return outcome.user

    @sensitive_variables("otp")
    async def aauthenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        username: object = None,
        otp: object = None,
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        """See authenticate()."""
        if otp is None:
            return None
        return await sync_to_async(self.authenticate)(request, username, otp, **kwargs)


# Django asks for these at every login, and working one out takes as long as a trip to Redis.
for _method in (OTPBackend.authenticate, OTPBackend.aauthenticate):
    setattr(_method, "__signature__", signature(_method))  # noqa: B010 - mypy knows no such attribute
