"""What the user models have in common, bases for a project's own among them."""

import secrets
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.core.management.base import CommandError
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from swap_user.users.fields import NormalizedEmailField
from swap_user.users.usernames import normalize_email


# A CommandError, because management commands are where it is met: manage.py then prints one line.
class PasswordUnsupported(CommandError, NotImplementedError):
    """A password was to be set on a model that has none."""


class AbstractSwapUser(PermissionsMixin, AbstractBaseUser):
    """A user with permissions, a password and no username yet."""

    USERNAME_FIELD: ClassVar[str]

    is_active = models.BooleanField(
        verbose_name=_("active"),
        default=True,
        help_text=_("Whether this account can be used. Turn it off rather than delete an account."),
    )
    is_staff = models.BooleanField(
        verbose_name=_("staff status"),
        default=False,
        help_text=_("Whether this account may enter the admin site."),
    )

    class Meta:
        abstract = True

    def get_full_name(self) -> str:
        """Return the username: it is all that is known of a name."""
        return self.get_username()

    def get_short_name(self) -> str:
        """See get_full_name()."""
        return self.get_username()


def new_security_stamp() -> str:
    """Return a random security stamp of 192 bits."""
    return secrets.token_urlsafe(24)


class AbstractPasswordlessUser(AbstractSwapUser):
    """
    A user without a password column, which the rest of Django may treat like any other user.

    Sessions hang on the security stamp as they otherwise do on the password hash: a new stamp
    ends them.
    """

    # None takes the inherited column away.
    password = None  # type: ignore[assignment]
    security_stamp = models.CharField(
        verbose_name=_("security stamp"),
        max_length=32,
        default=new_security_stamp,
        editable=False,
    )

    class Meta:
        abstract = True

    def rotate_security_stamp(self) -> None:
        """End all of the user's sessions; saves the new stamp and nothing else."""
        self.security_stamp = new_security_stamp()
        self.save(update_fields=["security_stamp"])

    rotate_security_stamp.alters_data = True  # type: ignore[attr-defined]

    async def arotate_security_stamp(self) -> None:
        """See rotate_security_stamp()."""
        self.security_stamp = new_security_stamp()
        await self.asave(update_fields=["security_stamp"])

    arotate_security_stamp.alters_data = True  # type: ignore[attr-defined]

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        # The hook of get_session_auth_hash() and of its fallback twin in all supported versions.
        return salted_hmac(
            "swap_user.security_stamp",
            f"{self.pk}:{self.security_stamp}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    def set_password(self, raw_password: str | None) -> None:
        """
        Refuse: there is no password.

        Raises:
            PasswordUnsupported: always, but on an instance that is nobody's.
        """
        # ModelBackend hashes on an empty instance when a name is unknown, so that it takes as long
        # as a known one. Here neither takes any time; raising would tell the two apart.
        if self._state.adding and not self.get_username():
            return
        message = gettext("%(model)s accounts have no password: they log in with one-time codes.")
        raise PasswordUnsupported(message % {"model": self._meta.object_name})

    def check_password(self, raw_password: str | None) -> bool:
        """Return False: no password is right."""
        return False

    async def acheck_password(self, raw_password: str | None) -> bool:
        """See check_password()."""
        return False

    def set_unusable_password(self) -> None:
        """Do nothing: it is so already."""

    def has_usable_password(self) -> bool:
        """Return False."""
        return False


class EmailIdentity(models.Model):
    """Gives a user model its ``email`` for a username."""

    email = NormalizedEmailField(verbose_name=_("email address"), unique=True)

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        abstract = True
        constraints = [
            # Also against rows that are written past the field, by SQL.
            models.UniqueConstraint(Lower("email"), name="%(app_label)s_%(class)s_email_ci"),
        ]

    @classmethod
    def normalize_username(cls, username: Any) -> Any:
        """Return an email address in the form in which it is stored; anything else as it was."""
        return normalize_email(username) if isinstance(username, str) else username
