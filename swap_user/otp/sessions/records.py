"""
Records of sessions: a row for each session in which a user is logged in (R52).

The session holds the id of its row, and a mark that shows under which key and for which user the
row was written. So a request that changes neither costs no query. The key of a session changes
when it is cycled; Django tells this only where sessions are rows of a table. With other engines,
the middleware and the pages of this package follow the change.

A session that names a row which is gone has been ended by its owner. It is deleted when that is
noticed: a request that changed its key while it was being ended does not bring it back.

A record that can't be written is logged. It never makes a login fail.
"""

import hashlib
import logging
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.contrib.auth import SESSION_KEY as USER_KEY
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.exceptions import ValidationError
from django.db import Error, IntegrityError, connections, router, transaction
from django.http import HttpRequest
from django.utils import timezone

from swap_user.models import LoginSession
from swap_user.otp import audit
from swap_user.otp.availability import CACHE_ERRORS
from swap_user.otp.durable.after_commit import after_commit
from swap_user.otp.sessions import engines
from swap_user.otp.sessions.app_store import is_app_key
from swap_user.otp.visitors.personal_data import browser_and_network

SESSION_KEY = "_swap_user_session"

# How often the time of the last request is saved, in seconds.
SEEN_EVERY = 300

# The number of sessions of which a process remembers when it saved that time.
_MOST_SEEN = 10_000

_seen: "OrderedDict[uuid.UUID, float]" = OrderedDict()
_seen_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Note:
    """
    What a session holds about its row.

    Attributes:
        id: the primary key of the row.
        mark: a hash of the session key and the user for which the row was written.
    """

    id: uuid.UUID
    mark: str


def alias() -> str:
    """Return the database of the records."""
    return router.db_for_write(LoginSession)


def rows() -> Any:
    """Return the records, in the database that is written."""
    return LoginSession._base_manager.using(alias())


def delete(row_ids: Iterable[uuid.UUID]) -> None:
    """Delete these records."""
    for ids in engines.batches(row_ids):
        rows().filter(pk__in=ids).delete()


def read_note(session: Mapping[str, Any] | SessionBase) -> Note | None:
    """Return what the session holds about its row, or None if there is none or it is not valid."""
    match session.get(SESSION_KEY):
        case [str(text), str(mark)]:
            try:
                return Note(uuid.UUID(hex=text), mark)
            except ValueError:
                return None
    return None


def note_login(sender: object, request: HttpRequest | None, user: Any, **kwargs: Any) -> None:
    """Record the session of a login. This is a receiver of ``user_logged_in``."""
    session: Any = getattr(request, "session", None)
    # The signal is also sent by logins without a session, such as those of an API with tokens.
    if request is None or not hasattr(session, "session_key") or not _is_of(session, user):
        return
    if session.session_key is None and engines.has_keys():
        session.cycle_key()  # after flush() it has none until it is saved
    if not engines.is_found(session):
        return
    after_commit(partial(_store, session, user.pk, browser_and_network(request)), alias())


def note_logout(sender: object, request: HttpRequest | None, **kwargs: Any) -> None:
    """Delete the record of a session. This is a receiver of ``user_logged_out``."""
    session: Any = getattr(request, "session", None)
    key = getattr(session, "session_key", None)
    if key is None or not engines.is_found(session):
        return
    note = read_note(session)
    with _reported(session.get(USER_KEY)):
        (rows().filter(pk=note.id) if note else rows().filter(session_key=key)).delete()


def note_save(sender: object, instance: Any, raw: bool = False, **kwargs: Any) -> None:
    """Follow a new session key. This is a receiver of ``post_save`` of models of sessions."""
    # The API follows the sessions of apps, whose data has another signature.
    if raw or is_app_key(instance.session_key):
        return
    data = instance.get_decoded()
    owner, key = data.get(USER_KEY), instance.session_key
    note = read_note(data)
    if owner is None or (note and note.mark == _mark(key, owner)):
        return
    after_commit(partial(_catch_up, key, note, owner, instance.expire_date), alias())


def follow(request: HttpRequest) -> bool:
    """
    Record the session of a request if it has no record, and follow a new session key.

    The time of the last request is saved at most once in five minutes by each process. If the
    session was ended, it is flushed and the user is anonymous.

    Args:
        request: a request after the authentication middleware.

    Returns:
        False if the session was ended.
    """
    session: Any = getattr(request, "session", None)
    key = getattr(session, "session_key", None)
    owner = session.get(USER_KEY) if key else None
    if key is None or owner is None or not engines.is_found(session):
        return True
    note = read_note(session)
    if note and note.mark == _mark(key, owner):
        if not _is_due(note.id):
            return True
        is_live = _touch(note.id, session)
    else:
        row_id = _catch_up(
            key, note, owner, session.get_expiry_date(), browser_and_network(request)
        )
        is_live = row_id is not _ENDED
        if is_live and row_id is not None:
            _write_note(session, row_id, owner)
    if not is_live:
        session.flush()
        request.user = AnonymousUser()
    return is_live


# What _catch_up() returns for a session whose row is gone.
_ENDED = object()


def _store(session: Any, user_pk: Any, visitor: dict[str, str]) -> None:
    """Write the row of a login, or write the row of this session again."""
    owner, key, note = session.get(USER_KEY), session.session_key, read_note(session)
    if owner is None or key is None:
        return  # logged out before the transaction was committed
    now = timezone.now()
    times = {"created_at": now, "last_seen_at": now, "expires_at": session.get_expiry_date()}
    values = {"user_id": user_pk, "session_key": key, **times, **visitor}
    with _reported(owner):
        known = note is not None and rows().filter(pk=note.id).update(**values)
        row_id = note.id if note and known else _insert(values)
        _write_note(session, row_id, owner)
        _is_due(row_id)


def _insert(values: dict[str, Any]) -> uuid.UUID:
    row = LoginSession(**values)
    try:
        with _savepoint():
            row.save(using=alias(), force_insert=True)
    except IntegrityError:
        # The session was saved, and so recorded without its browser, before the login was.
        same = rows().filter(session_key=values["session_key"])
        if not same.update(**values):
            raise
        return uuid.UUID(str(same.values_list("pk", flat=True).get()))
    return row.pk


def _catch_up(
    key: str,
    note: Note | None,
    owner: str,
    expires_at: datetime,
    visitor: dict[str, str] | None = None,
) -> Any:
    """
    Find or write the row of a session whose note is missing or of another key or user.

    Returns:
        The primary key of the row, ``_ENDED``, or None if there is no such user, or the database
        failed.
    """
    with _reported(owner):
        user_pk = _existing_user(owner)
        if user_pk is None:
            return None
        changed = {"user_id": user_pk, "session_key": key, "expires_at": expires_at}
        if note and not rows().filter(pk=note.id).update(**changed):
            with suppress(*CACHE_ERRORS, OSError):
                engines.delete([key])
            return _ENDED
        if note:
            return note.id
        recorded = rows().filter(session_key=key)
        row_id = recorded.values_list("pk", flat=True).first()
        if row_id is None:
            return _insert({**changed, **(visitor or {})})
        if visitor:
            recorded.filter(user_agent="", network="").update(**visitor)
        return row_id
    return None


def _existing_user(owner: str) -> Any:
    """
    Return the primary key of the user whom a session names, or None if there is no such user.

    PostgreSQL and SQLite check a foreign key only at the end of a transaction, so it can't tell.
    """
    model = get_user_model()
    try:
        user_pk = model._meta.pk.to_python(owner)
    except (TypeError, ValueError, ValidationError):
        return None  # a user of another model
    users = model._base_manager.using(alias()).filter(pk=user_pk)
    return user_pk if users.exists() else None


def _touch(row_id: uuid.UUID, session: Any) -> bool:
    """Save the time of the last request, and return whether the row is still there."""
    changed = {"last_seen_at": timezone.now(), "expires_at": session.get_expiry_date()}
    with _reported(session.get(USER_KEY)):
        return bool(rows().filter(pk=row_id).update(**changed))
    return True


def _is_due(row_id: uuid.UUID) -> bool:
    """Return whether this process has to save the time of the last request, and remember that."""
    now = time.monotonic()
    with _seen_lock:
        if now - _seen.get(row_id, -SEEN_EVERY) < SEEN_EVERY:
            return False
        _seen[row_id] = now
        _seen.move_to_end(row_id)
        if len(_seen) > _MOST_SEEN:
            _seen.popitem(last=False)
    return True


def _write_note(session: Any, row_id: uuid.UUID, owner: str) -> None:
    session[SESSION_KEY] = [row_id.hex, _mark(session.session_key, owner)]


def _mark(key: str, owner: str) -> str:
    return hashlib.sha256(f"{key}:{owner}".encode()).hexdigest()[:16]


def _is_of(session: Any, user: Any) -> bool:
    """Return whether ``user``, of the project's user model, is logged in to the session."""
    if not isinstance(user, get_user_model()):
        return False
    return bool(session.get(USER_KEY) == user._meta.pk.value_to_string(user))


@contextmanager
def _reported(owner: object) -> Iterator[None]:
    """Log an error of the database instead of raising it, and leave an open transaction usable."""
    try:
        with _savepoint():
            yield
    except Error as error:
        text = audit.describe(error)
        audit.record(logging.ERROR, "session not recorded", user=owner, error=text)


def _savepoint() -> Any:
    if connections[alias()].in_atomic_block:
        return transaction.atomic(using=alias())
    return nullcontext()
