"""Which sessions are listed and ended, and what happens when they can't be reached."""

from __future__ import annotations

import pytest
from django.contrib.auth import SESSION_KEY, login
from django.contrib.sessions.backends import cache as in_cache
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from swap_user.models import LoginSession, PendingUpgrade
from swap_user.otp import LoginUnavailable, end_session, sessions_of
from swap_user.otp.sessions import records
from swap_user.otp.sessions.ending import end_recorded
from tests.support import make_user, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]


def logged_in(user, session=None):
    """Return a request whose session is logged in, recorded and saved."""
    request = visitor()
    request.session = session or request.session
    login(request, user, backend="swap_user.backends.OTPBackend")
    request.session.save()
    return request


def keys():
    """Return the keys of the stored sessions."""
    return set(Session.objects.values_list("session_key", flat=True))


def test_the_sessions_of_others_are_not_listed(user):
    """Each user sees their own."""
    mine = logged_in(user).session.session_key
    logged_in(make_user(2))
    assert [row.session_key for row in sessions_of(user)] == [mine]


@pytest.mark.requirement("R36")
def test_a_session_is_kept_by_its_key(user):
    """Even if it does not name its record."""
    kept = logged_in(user)
    logged_in(user)
    del kept.session[records.SESSION_KEY]
    end_recorded(user, keep=kept)
    assert keys() == {kept.session.session_key}
    assert LoginSession.objects.get().session_key == kept.session.session_key


@pytest.mark.parametrize("step", [sessions_of, end_session, end_recorded])
def test_a_cache_that_is_away(redis_server, settings, user, step):
    """One exception for all; the records stay, so that the sessions can be ended later."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    logged_in(user, in_cache.SessionStore())
    row = LoginSession.objects.get()
    redis_server.stop()
    with pytest.raises(LoginUnavailable):
        step(user, row.pk) if step is end_session else step(user)
    assert LoginSession.objects.get() == row


# --- Sessions of before the upgrade ---------------------------------------------------------------


@pytest.fixture
def old(user):
    """Sessions without a record: two of the user, one of another user, and one without a user."""
    sessions = [SessionStore() for _ in range(4)]
    for session, owner in zip(sessions, [user, user, make_user(2), None], strict=True):
        if owner is not None:
            session[SESSION_KEY] = str(owner.pk)
        session.save()
    LoginSession.objects.all().delete()
    return sessions


def request_of(session):
    request = visitor()
    request.session = session
    return request


@pytest.mark.usefixtures("no_stamp")
@pytest.mark.requirement("R36")
@pytest.mark.parametrize("keeps", [False, True])
def test_sessions_without_a_record_end(old, user, keeps):
    """Those of the user, without the one to keep; no other user is logged out."""
    PendingUpgrade.objects.create(name="sessions")
    end_recorded(user, keep=request_of(old[0]) if keeps else None)
    rest = old[2:] + old[:1] * keeps
    assert keys() == {session.session_key for session in rest}


@pytest.mark.usefixtures("no_stamp")
@pytest.mark.parametrize("name", [None, "another step"])
def test_sessions_are_not_searched_after_the_upgrade(old, user, name):
    """When all of them have a record; other steps of the upgrade do not matter."""
    if name:
        PendingUpgrade.objects.create(name=name)
    with CaptureQueriesContext(connection) as queries:
        end_recorded(user)
    assert not any("session_data" in query["sql"] for query in queries)
    assert len(keys()) == 4


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("is_pending", [False, True])
def test_sessions_that_a_security_stamp_has_ended(old, user, is_pending):
    """They are not searched."""
    if is_pending:
        PendingUpgrade.objects.create(name="sessions")
    with CaptureQueriesContext(connection) as queries:
        end_recorded(user)
    assert not any("session_data" in query["sql"] for query in queries)


@pytest.mark.usefixtures("no_stamp")
def test_sessions_that_can_not_be_listed(settings, user):
    """A cache does not tell which sessions there are: those without a record are left out."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    PendingUpgrade.objects.create(name="sessions")
    session = in_cache.SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session.save()
    end_recorded(user)
    assert in_cache.SessionStore().exists(session.session_key)


@pytest.mark.usefixtures("no_stamp")
def test_a_cache_that_is_away_before_the_search(redis_server, settings, old, user):
    """Sessions without a record are in the cache, too."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
    PendingUpgrade.objects.create(name="sessions")
    redis_server.stop()
    with pytest.raises(LoginUnavailable):
        end_recorded(user)
