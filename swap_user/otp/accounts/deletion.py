"""The deletion of a user, which leaves no session and no pending login behind."""

import uuid
from contextlib import suppress
from functools import partial
from typing import Any

from django.db.models.signals import pre_delete

from swap_user.models import Authenticator
from swap_user.otp.accounts import pending
from swap_user.otp.accounts.user_models import user_models
from swap_user.otp.availability import report_session_outage
from swap_user.otp.durable.after_commit import after_commit
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.sessions import engines, records
from swap_user.otp.store import keys
from swap_user.users import usernames


def connect() -> None:
    """Connect the receivers. ``SwapUserConfig.ready()`` calls this function."""
    for model in user_models():
        pre_delete.connect(_before_deletion, sender=model, dispatch_uid="swap_user.deletion")


def _before_deletion(sender: object, instance: Any, using: str, **kwargs: Any) -> None:
    """Read what the cascade deletes, and erase the rest after the commit."""
    sessions = list(
        records.rows().filter(user_id=instance.pk).values_list("session_key", flat=True)
    )
    own = Authenticator._base_manager.using(using).filter(user_id=instance.pk)
    name = usernames.stored(instance) if hasattr(instance, "USERNAME_FIELD") else ""
    step = partial(_erase, sessions, name, list(own.values_list("pk", flat=True)))
    after_commit(step, using)


def _erase(sessions: list[str], name: str, authenticators: list[uuid.UUID]) -> None:
    # An outage is logged. It must not make a deletion fail that is committed: a session without
    # its user is no login.
    with suppress(LoginUnavailable), report_session_outage(OSError):
        engines.delete(sessions)
    pending.forget(keys.account_key(name), authenticators)
