"""
Sessions of before the upgrade, which have no record.

While the row "sessions" of PendingUpgrade exists, sessions are also searched one by one. The
command ``finish_otp_upgrade`` records them and deletes that row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connections, router
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.utils import timezone

from swap_user.models import LoginSession, PendingUpgrade
from swap_user.otp.sessions import engines, records
from swap_user.otp.sessions.app_store import is_app_key

NAME = "sessions"

BATCH_SIZE = 1000


@dataclass(slots=True)
class Progress:
    """
    The progress of recording sessions.

    Attributes:
        total: the number of sessions that are left at the start, logged in or not.
        done: how many of them were read.
        recorded: how many records were written.
    """

    total: int
    done: int = 0
    recorded: int = 0


def is_pending() -> bool:
    """Return whether there may be sessions of before the upgrade."""
    return PendingUpgrade._base_manager.using(records.alias()).filter(pk=NAME).exists()


def note_unrecorded(state: Any, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Note, in the migration that adds the records, whether there are sessions without one."""
    connection = schema_editor.connection
    pending = state.get_model("swap_user", "PendingUpgrade")
    if not router.allow_migrate_model(connection.alias, pending):
        return
    if _has_sessions():
        pending._base_manager.using(connection.alias).get_or_create(name=NAME)


def _has_sessions() -> bool:
    """Return whether there is a session in the database, whose table may not exist yet."""
    try:
        model = engines.session_model()
    except (ImportError, AttributeError, RuntimeError):
        return False
    if model is None:
        return False
    alias = router.db_for_read(model)
    with connections[alias].cursor() as cursor:
        tables = connections[alias].introspection.table_names(cursor)
    return model._meta.db_table in tables and model._base_manager.using(alias).exists()


def keys_of(user: Any, kept: str | None) -> Iterator[str]:
    """
    Yield the keys of a user's sessions in the database. Every session is read.

    Args:
        user: the user.
        kept: a key that is left out, or None.
    """
    owner = user._meta.pk.value_to_string(user)
    for session in _stored() or ():
        key = session.session_key
        if key != kept and not is_app_key(key) and session.get_decoded().get(USER_KEY) == owner:
            yield key


def record_existing_sessions(batch_size: int = BATCH_SIZE) -> Iterator[Progress]:
    """
    Record the sessions in the database that have no record, and yield the progress.

    An interrupted run continues where it ended. Sessions that are stored only in a cache or in
    files can't be listed: the middleware and the pages of this package record them when they are
    used. Run it when no server runs the version before the upgrade any more.

    Args:
        batch_size: the number of sessions per transaction.
    """
    pending = PendingUpgrade._base_manager.using(records.alias()).filter(pk=NAME)
    state = pending.first()
    sessions = _stored()
    if state is not None and sessions is not None:
        rest = sessions.filter(session_key__gt=state.seal).order_by("session_key")
        progress = Progress(rest.count())
        yield progress
        while batch := list(rest.filter(session_key__gt=state.seal)[:batch_size]):
            progress.recorded += _record(batch)
            progress.done += len(batch)
            state.seal = batch[-1].session_key
            pending.update(seal=state.seal)
            yield progress
    pending.delete()


def _record(batch: list[Any]) -> int:
    """Write the missing records of a batch of sessions, and return their number."""
    pk_field = get_user_model()._meta.pk
    owners: dict[str, Any] = {}
    for session in batch:
        if is_app_key(session.session_key):
            continue  # these always have a record
        try:
            owners[session.session_key] = pk_field.to_python(session.get_decoded()[USER_KEY])
        except (KeyError, ValueError, ValidationError):
            continue  # no user is logged in, or one of another model
    users = get_user_model()._base_manager.using(records.alias()).filter(pk__in={*owners.values()})
    known = set(users.values_list("pk", flat=True))
    recorded = set(
        records.rows().filter(session_key__in=owners).values_list("session_key", flat=True)
    )
    found = [
        LoginSession(
            user_id=owners[session.session_key],
            session_key=session.session_key,
            expires_at=session.expire_date,
        )
        for session in batch
        if session.session_key not in recorded and owners.get(session.session_key) in known
    ]
    LoginSession._base_manager.using(records.alias()).bulk_create(found, ignore_conflicts=True)
    return len(found)


def _stored() -> Any:
    """Return the sessions in the database that have not expired, or None if it holds none."""
    model = engines.session_model()
    if model is None:
        return None
    stored = model._base_manager.using(router.db_for_write(model))
    return stored.filter(expire_date__gt=timezone.now())
