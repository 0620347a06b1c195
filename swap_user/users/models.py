"""Abstract base classes of the user models."""

import secrets
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.core.exceptions import PermissionDenied
from django.core.management.base import CommandError
from django.db import models
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from swap_user.users.fields import NormalizedEmailField
from swap_user.users.usernames import normalize_email


class PasswordUnsupported(PermissionDenied, CommandError, NotImplementedError):
    """
    Raised when a password is set on a user of a model without passwords.

    A page that does not handle it answers with status 403, as a view of Django REST framework does,
    and manage.py prints one line instead of a traceback.
    """


class AbstractSwapUser(PermissionsMixin, AbstractBaseUser):
    """A user with permissions and a password. A subclass adds the username field."""

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
        """Return the username, because the model has no field for a name."""
        return self.get_username()

    def get_short_name(self) -> str:
        """See get_full_name()."""
        return self.get_username()


def new_security_stamp() -> str:
    """Return a random security stamp of 192 bits."""
    return secrets.token_urlsafe(24)


class AbstractPasswordlessUser(AbstractSwapUser):
    """
    A user without a password column. Django treats it like a user with an unusable password.

    The session auth hash is computed from the security stamp instead of the password hash, so a
    new stamp ends all sessions of the user. A user without a stamp gets one then.
    """

    # None removes the inherited column.
    password = None  # type: ignore[assignment]
    # NULL in rows of 0.9.8: filling them would lock a large table.
    security_stamp = models.CharField(  # noqa: DJ001
        verbose_name=_("security stamp"),
        max_length=32,
        default=new_security_stamp,
        null=True,
        editable=False,
    )

    class Meta:
        abstract = True

    def rotate_security_stamp(self) -> None:
        """Save a new security stamp, which ends all sessions of the user."""
        self.security_stamp = new_security_stamp()
        self.save(update_fields=["security_stamp"])

    rotate_security_stamp.alters_data = True  # type: ignore[attr-defined]

    async def arotate_security_stamp(self) -> None:
        """See rotate_security_stamp()."""
        self.security_stamp = new_security_stamp()
        await self.asave(update_fields=["security_stamp"])

    arotate_security_stamp.alters_data = True  # type: ignore[attr-defined]

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        # All supported Django versions call this method for the session auth hash and its
        # fallbacks.
        return salted_hmac(
            "swap_user.security_stamp",
            f"{self.pk}:{self.security_stamp or ''}",
            secret=secret,
            algorithm="sha256",
        ).hexdigest()

    def set_password(self, raw_password: str | None) -> None:
        """
        Raise PasswordUnsupported. Do nothing on an unsaved instance without a username.

        Raises:
            PasswordUnsupported: the user has no password.
        """
        # If there is no user, ModelBackend calls this method on an empty instance, so that its
        # response time does not reveal that. An exception would reveal it.
        if self._state.adding and not self.get_username():
            return
        raise PasswordUnsupported(self.password_unsupported_message())

    def password_unsupported_message(self) -> str:
        """Return the text that forms and exceptions show in place of a new password."""
        message = gettext("%(model)s accounts have no password: they log in with one-time codes.")
        return message % {"model": self._meta.object_name}

    def check_password(self, raw_password: str | None) -> bool:
        """Return False: the user has no password."""
        return False

    async def acheck_password(self, raw_password: str | None) -> bool:
        """See check_password()."""
        return False

    def set_unusable_password(self) -> None:
        """Do nothing: the user has no password."""

    def has_usable_password(self) -> bool:
        """Return False."""
        return False


class EmailIdentity(models.Model):
    """Adds ``email`` to a user model, as its username."""

    email = NormalizedEmailField(verbose_name=_("email address"), unique=True)

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        abstract = True
        constraints = [
            # Also applies to rows that are written with SQL and so are not normalized by the field.
            models.UniqueConstraint(Lower("email"), name="%(app_label)s_%(class)s_email_ci"),
        ]

    @classmethod
    def normalize_username(cls, username: Any) -> Any:
        """Return an email address in the form in which it is stored, and other values unchanged."""
        return normalize_email(username) if isinstance(username, str) else username
