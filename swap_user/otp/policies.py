"""
Policies: which factors a login requires.

A policy returns groups of factors. The user must show one factor of each group: with one group a
single code is enough, with two groups the login has two steps.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import router
from django.utils.module_loading import import_string

from swap_user.conf import swap_user_settings

PASSWORD = "password"  # noqa: S105 - the name of a factor
SENT = "sent"
AUTHENTICATOR = "authenticator"
RECOVERY = "recovery"

Groups = tuple[frozenset[str], ...]

ANY_CODE = frozenset({SENT, AUTHENTICATOR, RECOVERY})
NOT_SENT = frozenset({AUTHENTICATOR, RECOVERY})


class AnyCode:
    """Any code of the user is enough. The default policy."""

    must_enroll_groups: Mapping[str, timedelta] = {}
    """
    Groups whose members must enroll an authenticator app, each with its grace period.

    The period is counted from the first login that the rule meets. ``timedelta(0)`` requires the
    app at once. For a member of several of these groups, the shortest period counts.
    """

    app_session_idle = timedelta(days=14)
    """
    How long an app stays logged in to the JSON API without a request.

    It must be longer than a minute. Sessions of browsers have Django's SESSION_COOKIE_AGE instead.
    """

    app_session_lifetime = timedelta(days=90)
    """How long an app stays logged in at most, counted from the last time that codes were shown."""

    def groups(self, user: AbstractBaseUser, *, enrolled: bool) -> Groups:
        """
        Return groups of factors. The user must show one factor of each group.

        Args:
            user: the user to log in.
            enrolled: whether the user has enrolled an authenticator.
        """
        return (ANY_CODE,)

    def asks_password(self) -> bool:
        """Return whether the first page asks for a password, whatever the username is."""
        return False

    def must_enroll(self, user: Any) -> bool | timedelta:
        """
        Return whether a user must enroll an authenticator app.

        By default, staff must if OTP_STAFF_MUST_ENROLL is True, and members of
        ``must_enroll_groups`` must. The groups cost one query, in the database that is written.

        Args:
            user: a user who is logged in.

        Returns:
            False if the user need not enroll an app, True if the user must do so at once, or a
            timedelta: the grace period, counted from the first login at which it is returned.
        """
        if swap_user_settings.OTP_STAFF_MUST_ENROLL and getattr(user, "is_staff", False):
            return True
        groups: Any = getattr(user, "groups", None)
        if not self.must_enroll_groups or not hasattr(groups, "through"):
            return False  # a model without a relation to groups
        graces = self.must_enroll_groups
        names = groups.using(router.db_for_write(groups.through)).filter(name__in=[*graces])
        found = [graces[name] for name in names.values_list("name", flat=True) if name in graces]
        # A value that is no timedelta is 0 or reported by `manage.py check`.
        return min(
            (grace if isinstance(grace, timedelta) else timedelta(0) for grace in found),
            default=False,
        )


class AuthenticatorOnceEnrolled(AnyCode):
    """Users with an authenticator need its code or a recovery code. Others need any code."""

    def groups(self, user: AbstractBaseUser, *, enrolled: bool) -> Groups:
        """See AnyCode.groups()."""
        return (NOT_SENT,) if enrolled else (ANY_CODE,)


class Both(AnyCode):
    """
    Two factors are required.

    If the user model has passwords: a password, and a code. A user with an authenticator can't use
    a sent code then. If the model has no passwords: a sent code, and a code of the authenticator or
    a recovery code. A user without an authenticator needs one code only.
    """

    def groups(self, user: AbstractBaseUser, *, enrolled: bool) -> Groups:
        """See AnyCode.groups()."""
        if self.asks_password():
            return (frozenset({PASSWORD}), NOT_SENT if enrolled else ANY_CODE)
        return (frozenset({SENT}), NOT_SENT) if enrolled else (ANY_CODE,)

    def asks_password(self) -> bool:
        """Return whether the user model has passwords."""
        return any(field.name == "password" for field in get_user_model()._meta.fields)


def load_policy() -> AnyCode:
    """
    Return a new policy object of the class in OTP_POLICY_CLASS.

    Raises:
        ImportError: the class can't be imported.
    """
    return cast("AnyCode", import_string(swap_user_settings.OTP_POLICY_CLASS)())


def takes_sent(user: AbstractBaseUser, *, enrolled: bool) -> bool:
    """Return whether the policy accepts a sent code of this user. If not, no code is sent."""
    return any(SENT in group for group in load_policy().groups(user, enrolled=enrolled))


def missing(groups: Groups, shown: frozenset[str]) -> Groups:
    """Return the groups that contain none of the shown factors."""
    return tuple(group for group in groups if not group & shown)
