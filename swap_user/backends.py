"""
The authentication backends. They pass the arguments of ``authenticate()`` to the verifier.

The classes are defined in this module, and not in one below it, because django-hijack and others
compute the path of a backend from its ``__module__``.
"""

from collections.abc import Mapping
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.exceptions import AnotherCodeNeeded
from swap_user.otp.masked import mask
from swap_user.otp.verification import outcomes, verifier
from swap_user.otp.visitors import flow
from swap_user.otp.visitors.visitor import visitor

# Lets swap_user.moved find the alpha's path of this module, swap_user.backends.otp.
__path__: list[str] = []


class OTPBackend(ModelBackend):
    """
    Log in with a one-time code, with any user model. Permissions are those of ModelBackend.

    Without the argument ``otp``, ``authenticate()`` returns None, so that Django asks the next
    backend.
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
        Return the user that the code belongs to, or None. A code works once.

        The session of the request gets a new key after a first of two codes, and at ``login()``.

        After too many wrong codes, a code is not checked. ``swap_user.otp.limited(request)`` then
        returns the limit that was reached.

        Args:
            request: the visitor's request, or None. A sent code works only in the session that
                requested it.
            username: the username as typed. The keyword argument named by the model's
                USERNAME_FIELD can be used instead.
            otp: the code as typed.

        Raises:
            AnotherCodeNeeded: the code is right, but the policy requires another factor.
            LoginUnavailable: Redis or the database can't be reached.
        """
        if otp is None:
            return None
        return _verify(self, request, _username(username, kwargs), mask(otp))

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
        return await sync_to_async(self.authenticate)(request, username, mask(otp), **kwargs)


class CodeAsPasswordBackend(ModelBackend):
    """
    Log in with a one-time code that is passed as ``password``.

    It is for packages that know no other credentials: login forms, token views, OAuth. List it
    after ``OTPBackend`` and ``ModelBackend``. What is recorded is the factor of the code.
    Permissions are those of ModelBackend.

    A login that needs another factor is refused, since these packages can't ask for one. The code
    is not consumed then.
    """

    @sensitive_variables("password")
    def authenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        username: object = None,
        password: object = None,
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        """
        Return the user that the code belongs to, or None. A code works once.

        A text that can't be a code costs nothing. It is refused in the same way for every username.

        Args:
            request: the visitor's request, or None. A sent code works only in the session that
                requested it.
            username: the username as typed. The keyword argument named by the model's
                USERNAME_FIELD can be used instead.
            password: what was typed as the password: a sent code, a code of an authenticator app or
                a recovery code.

        Raises:
            LoginUnavailable: Redis or the database can't be reached.
        """
        # What OTPBackend checks is not checked twice.
        if password is None or "otp" in kwargs or outcomes.is_password_only(request):
            return None
        password = mask(password)
        if not verifier.can_be_code(password):
            return None
        return _verify(self, request, _username(username, kwargs), password, alone=True)

    @sensitive_variables("password")
    async def aauthenticate(  # type: ignore[override]
        self,
        request: HttpRequest | None,
        username: object = None,
        password: object = None,
        **kwargs: Any,
    ) -> AbstractBaseUser | None:
        """See authenticate()."""
        return await sync_to_async(self.authenticate)(request, username, mask(password), **kwargs)


def _username(username: object, credentials: Mapping[str, Any]) -> object:
    """Return the username, which may be passed under the name of the model's USERNAME_FIELD."""
    return credentials.get(get_user_model().USERNAME_FIELD) if username is None else username


@sensitive_variables("code")
def _verify(
    backend: ModelBackend,
    request: HttpRequest | None,
    username: object,
    code: object,
    *,
    alone: bool = False,
) -> AbstractBaseUser | None:
    """
    Check a code, and keep the outcome on the request for the view.

    Args:
        backend: it says which users may log in at all.
        request: see OTPBackend.authenticate().
        username: the username as typed.
        code: the code as typed.
        alone: see verifier.verify().
    """
    who, allowed = visitor(request), backend.user_can_authenticate
    try:
        outcome = verifier.verify(username, code, who, allowed=allowed, alone=alone)
    except AnotherCodeNeeded:
        flow.renew(request, who.next_flow)
        raise
    outcomes.note(request, outcome)
    return outcome.user
