"""
Checks of a database, which run with ``check --database``, ``check --deploy`` and ``migrate``.

A plain ``check`` must not ask a database, because there may be none, as in the build of an image.
"""

from collections.abc import Sequence
from typing import Any

import django
from django.apps import AppConfig
from django.core import checks
from django.db import Error, connections, router

from swap_user.checks.helpers import Messages, load
from swap_user.models import PendingUpgrade
from swap_user.otp.authenticators import upgrades
from swap_user.otp.enforcement import rule
from swap_user.otp.policies import AnyCode
from swap_user.users.databases import written


def database_check_upgrade(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> Messages:
    """W012: old forms of data are accepted until the upgrade is finished."""
    if router.db_for_write(PendingUpgrade) not in (databases or ()):
        return []
    return _pending()


def deploy_check_upgrade(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> Messages:
    """Report what ``database_check_upgrade()`` reports if a database is named."""
    return [] if _is_named(databases) else _pending()


def _is_named(databases: Sequence[str] | None) -> bool:
    """
    Return whether the command names a database, so that the checks of databases run too.

    Since Django 6.1, checks get all aliases if the command names none.
    """
    if django.VERSION >= (6, 1) and set(databases or ()) == set(connections):
        return False
    return bool(databases)


def _pending() -> Messages:
    try:
        pending = upgrades.recorded()
    except Error:
        return []  # the database is away, or not migrated yet
    if not pending:
        return []
    return [
        checks.Warning(
            f"The upgrade from an earlier version is not finished: {', '.join(pending)}.",
            hint=(
                "Once all servers and workers run this version, run "
                "`manage.py finish_otp_upgrade`. Until then, old forms of these data are accepted."
            ),
            id="swap_user.W012",
        )
    ]


def database_check_groups(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> Messages:
    """W023: the policy requires apps of a group that does not exist."""
    groups = rule.group_model()
    if groups is None or router.db_for_write(groups) not in (databases or ()):
        return []
    return _missing_groups(groups)


def deploy_check_groups(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None = None, **kwargs: Any
) -> Messages:
    """Report what ``database_check_groups()`` reports if a database is named."""
    groups = rule.group_model()
    return [] if _is_named(databases) or groups is None else _missing_groups(groups)


def _missing_groups(groups: Any) -> Messages:
    policy, wrong = load("OTP_POLICY_CLASS", AnyCode, example="", not_found="", not_fit="")
    if wrong or policy is None or not policy.must_enroll_groups or any(rule.problems(policy)):
        return []
    try:
        names = set(written(groups).values_list("name", flat=True))
    except Error:
        return []  # the database is away, or not migrated yet
    return [
        checks.Warning(
            f"{policy.__qualname__}.must_enroll_groups names the group {name!r}, which does not "
            "exist, so no user must enroll an authenticator app because of it.",
            hint="Create the group, or correct its name. Upper and lower case matter.",
            id="swap_user.W023",
        )
        for name in policy.must_enroll_groups
        if name not in names
    ]
