"""
A hack that makes the password forms of Django and of other packages refuse users without passwords.

Such a form (of allauth, dj-rest-auth or Wagtail, for example) sets the password after it has been
validated, when it is too late to show an error. Before that, all of them call Django's
``validate_password(password, user)``. It uses the validators in ``AUTH_PASSWORD_VALIDATORS``, and
there is no other way to add one. So this module replaces the function that returns them, in
projects whose user model has no passwords.
"""

import sys
from collections.abc import Callable
from typing import Any

from django.contrib.auth import get_user_model, password_validation
from django.core.exceptions import ValidationError

from swap_user.users.models import AbstractPasswordlessUser

_COMMAND = "django.contrib.auth.management.commands.changepassword"

_MARK = "refuses_passwordless_users"


class PasswordlessValidator:
    """Refuses every password of a user without passwords."""

    def validate(self, password: str, user: Any = None) -> None:
        """
        Refuse the password.

        Raises:
            ValidationError: the user has no password.
            PasswordUnsupported: the same, in the command changepassword.
        """
        if not isinstance(user, AbstractPasswordlessUser):
            return
        # The command would take a ValidationError as a reason to ask for another password.
        if sys._getframe(2).f_globals.get("__name__") == _COMMAND:
            user.set_password(password)
        raise ValidationError(user.password_unsupported_message(), code="password_unsupported")

    def get_help_text(self) -> str:
        """Return the text that forms show beside a field for a new password."""
        user: Any = get_user_model()()
        return str(user.password_unsupported_message())


def refuse_passwords_in_forms() -> None:
    """Add the validator, if the user model has no passwords."""
    configured: Any = password_validation.get_default_password_validators
    if issubclass(get_user_model(), AbstractPasswordlessUser) and not hasattr(configured, _MARK):
        password_validation.get_default_password_validators = _with_validator(configured)


def _with_validator(configured: Any) -> Callable[[], list[Any]]:
    def get_default_password_validators() -> list[Any]:
        return [PasswordlessValidator(), *configured()]

    added: Any = get_default_password_validators
    added.cache_clear = configured.cache_clear  # called by override_settings()
    setattr(added, _MARK, True)
    return get_default_password_validators
