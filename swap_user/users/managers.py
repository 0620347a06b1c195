"""Base managers of the user models. Projects can use them for their own user models."""

import warnings
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import UserManager
from django.core.exceptions import ValidationError

from swap_user.users.usernames import canonical, is_text, normalize_email, username_field

if TYPE_CHECKING:
    from swap_user.users.models import AbstractSwapUser

UserT = TypeVar("UserT", bound="AbstractSwapUser")


class SwapUserManager(BaseUserManager[UserT]):
    """
    Creates users of a model with any ``USERNAME_FIELD``.

    The username is the first argument, or a keyword argument with the name of the field:
    ``create_user("a@example.com")``, ``create_user(email="a@example.com")``.
    """

    def create_user(
        self, username: object = None, password: str | None = None, **fields: Any
    ) -> UserT:
        """
        Create and save a user without privileges.

        Args:
            username: the username, in any case and form.
            password: the raw password. With None the user gets an unusable password.
            fields: values of other fields of the model.

        Raises:
            ValueError: the username is missing or not valid.
        """
        user = self._build(username, password, fields)
        user.save(using=self._db)
        return user

    create_user.alters_data = True  # type: ignore[attr-defined]

    async def acreate_user(
        self, username: object = None, password: str | None = None, **fields: Any
    ) -> UserT:
        """See create_user()."""
        user = self._build(username, password, fields)
        await user.asave(using=self._db)
        return user

    acreate_user.alters_data = True  # type: ignore[attr-defined]

    def create_superuser(
        self, username: object = None, password: str | None = None, **fields: Any
    ) -> UserT:
        """
        Create and save a superuser; see create_user().

        Raises:
            ValueError: the username is missing or not valid, or ``is_staff`` or ``is_superuser``
                is False.
        """
        user = self._build(username, password, _with_superuser_flags(fields))
        user.save(using=self._db)
        return user

    create_superuser.alters_data = True  # type: ignore[attr-defined]

    async def acreate_superuser(
        self, username: object = None, password: str | None = None, **fields: Any
    ) -> UserT:
        """See create_superuser()."""
        user = self._build(username, password, _with_superuser_flags(fields))
        await user.asave(using=self._db)
        return user

    acreate_superuser.alters_data = True  # type: ignore[attr-defined]

    # Not a subclass of UserManager: its other methods require a field "username", and migrations
    # contain it (use_in_migrations).
    with_perm = UserManager.with_perm

    def get_by_natural_key(self, username: object) -> UserT:
        """
        Return the user with this username, which may have any case or form.

        Raises:
            DoesNotExist: there is no such user, or the text can't be a username.
        """
        return self.get(**self._natural_key(username))

    async def aget_by_natural_key(self, username: object) -> UserT:
        """See get_by_natural_key()."""
        return await self.aget(**self._natural_key(username))

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """Return an email address in the form in which it is stored; "" for None."""
        return normalize_email(email or "")

    def _set_password(self, user: UserT, password: str | None) -> None:
        """Set a new user's password. The manager of users without passwords overrides this."""
        user.set_password(password)

    def _natural_key(self, username: object) -> dict[str, str]:
        name = self.model.normalize_username(username)
        # Not canonical(): it returns "" for usernames of old rows that are not valid any more.
        if not is_text(name):
            raise self.model.DoesNotExist("This can't be a username.")
        return {self.model.USERNAME_FIELD: name}

    def _build(self, username: object, password: str | None, fields: dict[str, Any]) -> UserT:
        field = username_field(self.model)
        if username is None:
            username = fields.pop(field.name, None)
        if username is None or username == "":
            raise ValueError(f"A user needs a username: {field.name} is missing.")
        name = canonical(self.model, self.model.normalize_username(username))
        if not name:
            raise ValueError(f"{field.name}={username!r} can't be a username.")
        try:
            field.clean(name, None)
        except ValidationError as error:
            reason = " ".join(error.messages)
            raise ValueError(f"{field.name}={username!r} can't be a username: {reason}") from error
        user = self.model(**{field.name: name}, **fields)
        self._set_password(user, password)
        return user


class PasswordlessUserManager(SwapUserManager[UserT]):
    """Creates users who have no password."""

    def _set_password(self, user: UserT, password: str | None) -> None:
        """
        Ignore the password, with a warning.

        It is not an error, because test tools and seed scripts pass a password to any user model.
        """
        if password is not None:
            name = self.model._meta.object_name
            warnings.warn(
                f"The password is ignored: {name} users have no password, they log in with "
                "one-time codes.",
                stacklevel=4,  # the caller of create_user()
            )


def _with_superuser_flags(fields: dict[str, Any]) -> dict[str, Any]:
    fields = {"is_staff": True, "is_superuser": True, **fields}
    for flag in ("is_staff", "is_superuser"):
        if fields[flag] is not True:
            raise ValueError(f"A superuser must have {flag}=True.")
    return fields
