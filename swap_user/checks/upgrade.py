"""
Checks of a database, which run with ``check --database``, ``check --deploy`` and ``migrate``.

A plain ``check`` must not ask a database, because there may be none, as in the build of an image.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.db import Error, router

from swap_user.checks.helpers import Messages
from swap_user.models import PendingUpgrade
from swap_user.otp.authenticators import upgrades


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
    return [] if databases else _pending()


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
