"""The new key of a session: what is stored under the new one and the old one, and when."""

from importlib import import_module

import pytest
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from swap_user.otp.visitors.session_key import renew_key

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R53")]


class Outer:
    """A project may define its session engine in another class."""

    class SessionStore(db.SessionStore):
        """An engine."""


def save(session, is_async=False):
    """Save the session, as SessionMiddleware or an asynchronous view does."""
    async_to_sync(session.asave)() if is_async else session.save()


def delete(session, key=None, is_async=False):
    """Delete a session."""
    async_to_sync(session.adelete)(key) if is_async else session.delete(key)


def keys():
    """Return the keys of all stored sessions."""
    return set(Session.objects.values_list("session_key", flat=True))


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def is_async(request):
    """Whether the asynchronous methods are called."""
    return request.param


@pytest.fixture
def renewed():
    """A stored session that gets a new key, and its old key."""
    stored = db.SessionStore()
    stored["name"] = "value"
    stored.save()
    session = db.SessionStore(stored.session_key)
    renew_key(session)
    return session, stored.session_key


@pytest.mark.django_db(transaction=True)
def test_the_new_row_replaces_the_old_one(renewed, is_async):
    """When the session is saved, and with the same data."""
    session, old = renewed
    assert keys() == {old}
    assert session.modified
    save(session, is_async)
    assert keys() == {session.session_key} != {old}
    assert db.SessionStore(session.session_key)["name"] == "value"


@pytest.mark.django_db(transaction=True)
def test_the_session_can_be_saved_again(renewed, is_async):
    """It keeps its new key, and nothing more is deleted."""
    session, old = renewed
    save(session, is_async)
    new = session.session_key
    db.SessionStore(old).save(must_create=True)
    session["name"] = "another value"
    save(session, is_async)
    assert session.session_key == new
    assert db.SessionStore(new)["name"] == "another value"
    assert keys() == {old, new}


@pytest.mark.django_db(transaction=True)
def test_a_deleted_session_leaves_no_row(renewed, is_async):
    """Neither before nor after the new key is stored."""
    session, _ = renewed
    delete(session, is_async=is_async)
    assert keys() == set()
    save(session, is_async)
    assert len(keys()) == 1
    delete(session, is_async=is_async)
    assert keys() == set()


@pytest.mark.django_db(transaction=True)
def test_the_deletion_of_another_session(renewed, is_async):
    """Only the row with that key is deleted; the old one is as soon as the session is saved."""
    session, old = renewed
    other = db.SessionStore()
    other.save()
    delete(session, other.session_key, is_async)
    assert keys() == {old}
    save(session, is_async)
    assert keys() == {session.session_key} != {old}


def test_a_session_that_is_not_stored():
    """It has no key, so it gets no new one and is not saved because of it."""
    session = db.SessionStore()
    renew_key(session)
    assert type(session) is db.SessionStore
    assert not session.modified
    unknown = db.SessionStore("a" * 32)
    renew_key(unknown)
    assert unknown.session_key is None
    assert type(unknown) is db.SessionStore


def test_two_new_keys():
    """The first old row is deleted with the first save, the second one with the next."""
    session = db.SessionStore()
    session.save()
    for _ in range(2):
        renew_key(session)
        with CaptureQueriesContext(connection) as queries:
            session.save()
        assert sum("DELETE" in query["sql"] for query in queries) == 1
        assert keys() == {session.session_key}


@pytest.mark.parametrize("engine", [db.SessionStore, Outer.SessionStore])
def test_the_data_of_a_renewed_session_can_be_read(engine):
    """Django signs it with the name of the class, which stays the same."""
    session = engine()
    session["name"] = "value"
    session.save()
    renew_key(session)
    session.save()
    assert engine(session.session_key)["name"] == "value"
    for name in ("__name__", "__qualname__", "__module__"):
        assert getattr(type(session), name) == getattr(engine, name)


def test_a_session_in_a_cookie_has_no_old_row(settings):
    """Its key is its data, so it keeps its class."""
    engine = import_module("django.contrib.sessions.backends.signed_cookies").SessionStore
    session = engine()
    session["name"] = "value"
    session.save()
    renew_key(session)
    assert type(session) is engine
    assert session.modified


@pytest.mark.requirement("R36", "R52")
@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file"])
def test_two_requests_at_once_make_one_successor(settings, tmp_path, engine, is_async):
    """The second one finds the session gone, as if its owner had ended it."""
    settings.SESSION_FILE_PATH = str(tmp_path)
    store = import_module(f"django.contrib.sessions.backends.{engine}").SessionStore
    stored = store()
    stored["name"] = "value"
    stored.save()
    first, second = store(stored.session_key), store(stored.session_key)
    renew_key(first)
    renew_key(second)
    save(first, is_async)
    with pytest.raises(UpdateError):
        save(second, is_async)
    assert store(first.session_key)["name"] == "value"
    assert not store().exists(stored.session_key)
    assert second.session_key is None or not store().exists(second.session_key)
