"""
Policies: which codes a user must show to be let in.

A policy answers with groups of kinds. Of each group one kind has to be shown: one group is a
login by a single code, two groups are a login in two steps.
"""

from typing import cast

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.module_loading import import_string

from swap_user.conf import swap_user_settings

PASSWORD = "password"  # noqa: S105 - the name of a kind
SENT = "sent"
AUTHENTICATOR = "authenticator"
RECOVERY = "recovery"

Groups = tuple[frozenset[str], ...]

ANY_CODE = frozenset({SENT, AUTHENTICATOR, RECOVERY})
NOT_SENT = frozenset({AUTHENTICATOR, RECOVERY})


class AnyCode:
    """Any code that the user has lets them in. The default."""

    def groups(self, user: AbstractBaseUser, *, enrolled: bool) -> Groups:
        """
        Return the groups of kinds of which one each has to be shown.

        Args:
            user: who wants to log in.
            enrolled: whether they have an authenticator app.
        """
        return (ANY_CODE,)

    def asks_password(self) -> bool:
        """Say whether the first page asks for a password too, whoever wants to log in."""
        return False


class AuthenticatorOnceEnrolled(AnyCode):
    """Who has an authenticator app needs it: sent codes no longer let them in."""

    def groups(self, user: AbstractBaseUser, *, enrolled: bool) -> Groups:
        """See AnyCode.groups()."""
        return (NOT_SENT,) if enrolled else (ANY_CODE,)


class Both(AnyCode):
    """
    Two factors: the password, on models that have one, and a code; else two codes in turn.

    Without a password, a user who has no authenticator app yet gets in with the sent code alone.
    """

    def groups(self, user: AbstractBaseUser, *, enrolled: bool) -> Groups:
        """See AnyCode.groups()."""
        if self.asks_password():
            return (frozenset({PASSWORD}), NOT_SENT if enrolled else ANY_CODE)
        return (frozenset({SENT}), NOT_SENT) if enrolled else (ANY_CODE,)

    def asks_password(self) -> bool:
        """Say whether the user model has passwords."""
        return any(field.name == "password" for field in get_user_model()._meta.fields)


def load_policy() -> AnyCode:
    """
    Return a policy of the class that the settings name.

    Raises:
        ImportError: there is no such class.
    """
    return cast("AnyCode", import_string(swap_user_settings.OTP_POLICY_CLASS)())


def takes_sent(user: AbstractBaseUser, *, enrolled: bool) -> bool:
    """Say whether a sent code is of any use to this user: a useless one only confuses."""
    return any(SENT in group for group in load_policy().groups(user, enrolled=enrolled))


def missing(groups: Groups, shown: frozenset[str]) -> Groups:
    """Return the groups of which nothing was shown yet."""
    return tuple(group for group in groups if not group & shown)
