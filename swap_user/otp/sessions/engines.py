"""What the session engine of the project can do with sessions of which only the key is known."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from importlib import import_module
from itertools import islice
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.contrib.sessions.backends import cache as in_cache
from django.contrib.sessions.backends import signed_cookies
from django.contrib.sessions.backends.base import SessionBase
from django.db import router
from django.utils import timezone

from swap_user.otp.sessions.app_store import app_store, is_app_key

T = TypeVar("T")

# The number of keys in one statement. SQLite had a limit of 999 parameters.
_BATCH = 500


def store_class() -> type[SessionBase]:
    """
    Return the class of the project's sessions.

    Raises:
        ImportError: SESSION_ENGINE can't be imported.
    """
    engine = import_module(settings.SESSION_ENGINE)
    store: type[SessionBase] = engine.SessionStore
    return store


def app_store_class() -> Any:
    """
    Return the class of the sessions of apps.

    With sessions in cookies, those of apps are stored in the database.

    Raises:
        ImportError: SESSION_ENGINE can't be imported.
        RuntimeError: sessions are in cookies, and "django.contrib.sessions" is not installed.
    """
    if has_keys():
        return app_store(store_class())
    if not apps.is_installed("django.contrib.sessions"):
        raise RuntimeError(
            'Sessions of apps have no place: add "django.contrib.sessions" to INSTALLED_APPS.'
        )
    from django.contrib.sessions.backends import db  # noqa: PLC0415

    return app_store(db.SessionStore)


def session_model(store: type[SessionBase] | None = None) -> Any:
    """
    Return the model of sessions, or None if the engine has none.

    Args:
        store: a class of sessions. None for that of the project.
    """
    get_model_class = getattr(store or store_class(), "get_model_class", None)
    return get_model_class() if get_model_class else None


def session_models() -> set[Any]:
    """Return the models of sessions of all installed apps, whichever engine is used."""
    # Without the app of sessions, Django's module with the base class can be imported all the same.
    from django.contrib.sessions.base_session import AbstractBaseSession  # noqa: PLC0415

    found = {model for model in apps.get_models() if issubclass(model, AbstractBaseSession)}
    try:
        used = session_model()
    except (ImportError, AttributeError, RuntimeError):
        return found  # Django raises its own error at the first request.
    return found | {used} if used is not None else found


def has_keys() -> bool:
    """Return whether a session is found by its key: always, except in signed cookies."""
    # There the key is the cookie itself, with all its data.
    return not issubclass(store_class(), signed_cookies.SessionStore)


def is_found(session: SessionBase) -> bool:
    """Return whether a session is found by its key. Sessions of apps always are."""
    return is_app_key(session.session_key) or has_keys()


def tells_saves() -> bool:
    """Return whether Django sends a signal when a session is saved."""
    return session_model() is not None


def delete(keys: Iterable[str]) -> None:
    """Delete the sessions with these keys, where they exist."""
    for store, batch in _batches_of_stores(keys):
        how: Any = store.delete
        # An engine with a delete() of its own knows best.
        if how not in _batched():
            for key in batch:
                store(key).delete(key)
            continue
        model = session_model(store)
        if model is not None:
            stored = model._base_manager.using(router.db_for_write(model))
            stored.filter(session_key__in=batch).delete()
        if (kept := getattr(store(), "_cache", None)) is not None:
            prefix = store.cache_key_prefix
            kept.delete_many([prefix + key for key in batch])


def existing(keys: Iterable[str]) -> dict[str, datetime | None]:
    """
    Return which of these sessions exist and have not expired.

    Returns:
        The time of expiry by key, None if the engine does not tell it.
    """
    found: dict[str, datetime | None] = {}
    for store, batch in _batches_of_stores(keys):
        model = session_model(store)
        if model is not None:
            stored = model._base_manager.using(router.db_for_write(model))
            live = stored.filter(session_key__in=batch, expire_date__gt=timezone.now())
            found.update(live.values_list("session_key", "expire_date"))
        elif store.exists is in_cache.SessionStore.exists:
            prefix = in_cache.SessionStore.cache_key_prefix
            prefix = getattr(store, "cache_key_prefix", prefix)
            names = {prefix + key: key for key in batch}
            kept: Any = store()
            found.update(dict.fromkeys(names[name] for name in kept._cache.get_many(names)))
        else:
            found.update(dict.fromkeys(key for key in batch if store().exists(key)))
    return found


def _batches_of_stores(keys: Iterable[str]) -> Iterator[tuple[Any, list[str]]]:
    """Yield batches of keys, each with the class of its sessions."""
    of_apps: list[str] = []
    others: list[str] = []
    for key in keys:
        (of_apps if is_app_key(key) else others).append(key)
    for batch in batches(others):
        yield store_class(), batch
    for batch in batches(of_apps):
        yield app_store_class(), batch


@cache
def _batched() -> frozenset[Any]:
    """Return the delete() methods of Django's engines that delete by key from a table or cache."""
    methods = {in_cache.SessionStore.delete}
    if apps.is_installed("django.contrib.sessions"):
        from django.contrib.sessions.backends import cached_db, db  # noqa: PLC0415

        methods |= {db.SessionStore.delete, cached_db.SessionStore.delete}
    return frozenset(methods)


def batches(keys: Iterable[T]) -> Iterator[list[T]]:
    """Yield lists of keys that fit into one statement."""
    rest = iter(keys)
    while batch := list(islice(rest, _BATCH)):
        yield batch
