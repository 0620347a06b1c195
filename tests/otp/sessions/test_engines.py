"""Recorded sessions with each session engine, and with keys that change."""

from __future__ import annotations

import sys
import uuid
from datetime import timedelta
from importlib import import_module
from types import ModuleType

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import SESSION_KEY, login, logout, update_session_auth_hash
from django.contrib.sessions.backends import cache as in_cache
from django.contrib.sessions.backends import db as in_db
from django.contrib.sessions.models import Session
from django.db import connection, transaction
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from swap_user.models import LoginSession
from swap_user.otp import end_session, end_sessions, sessions_of
from swap_user.otp.pages.login.saved_session import SavedSession
from swap_user.otp.sessions import engines, records
from swap_user.otp.visitors.session_key import renew_key
from swap_user.testing import log_in
from tests.support import make_user, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]

ENGINES = ["db", "cached_db", "cache", "file"]
MIDDLEWARE = "swap_user.middleware.LoginSessionMiddleware"


class SessionStore(in_db.SessionStore):
    """An engine of a project, with a delete() of its own: this module is a SESSION_ENGINE."""

    def delete(self, session_key=None):
        """Delete as the base class does."""
        super().delete(session_key)


@pytest.fixture(params=[*ENGINES, "own"])
def engine(request, settings, tmp_path):
    """Each engine that finds a session by its key."""
    own = (
        __name__ if request.param == "own" else f"django.contrib.sessions.backends.{request.param}"
    )
    settings.SESSION_ENGINE = own
    settings.SESSION_FILE_PATH = str(tmp_path)
    return import_module(own)


def new_request(engine, path="/", **extra):
    """Return a request with a new session of the engine."""
    request = visitor(path, **extra)
    request.session = engine.SessionStore()
    request.user = None
    return request


def logged_in(engine, user, **extra):
    """Return a request whose session is logged in and saved."""
    request = new_request(engine, **extra)
    login(request, user, backend="swap_user.backends.OTPBackend")
    request.session.save()
    return request


def is_in(engine, key):
    """Say whether the session with this key is logged in."""
    return SESSION_KEY in engine.SessionStore(key)


@pytest.mark.usefixtures("no_stamp")
def test_all_sessions_end(engine, user):
    """Those of one user, in any engine."""
    mine = [logged_in(engine, user).session.session_key for _ in range(3)]
    other = logged_in(engine, make_user(2)).session.session_key
    end_sessions(user)
    assert [is_in(engine, key) for key in (*mine, other)] == [False, False, False, True]
    assert [row.session_key for row in LoginSession.objects.all()] == [other]


@pytest.mark.usefixtures("no_stamp")
def test_this_session_goes_on(engine, user):
    """The one of the request that is kept."""
    kept, other = logged_in(engine, user), logged_in(engine, user)
    end_sessions(user, keep=kept)
    kept.session.save()
    assert is_in(engine, kept.session.session_key)
    assert not is_in(engine, other.session.session_key)
    assert [row.session_key for row in sessions_of(user)] == [kept.session.session_key]


def test_one_session_ends(engine, user):
    """By its id, if it is the user's own."""
    one, other = logged_in(engine, user), logged_in(engine, user)
    row = LoginSession.objects.get(session_key=one.session.session_key)
    assert not end_session(make_user(2), row.pk)
    for bad in (uuid.uuid4(), "", "x" * 99, None, 7):
        assert not end_session(user, bad)
    assert end_session(user, str(row.pk))
    assert not is_in(engine, one.session.session_key)
    assert [row.session_key for row in sessions_of(user)] == [other.session.session_key]


def test_a_session_that_is_gone_is_not_listed(engine, user):
    """However it ended."""
    request = logged_in(engine, user)
    assert len(sessions_of(user)) == 1
    engine.SessionStore(request.session.session_key).delete()
    assert sessions_of(user) == []


def test_logging_out_deletes_the_record(engine, user):
    """At once."""
    request = logged_in(engine, user)
    request.user = user
    logout(request)
    assert not LoginSession.objects.exists()


@pytest.mark.parametrize("change", ["cycle", "hash", "again", "another user"])
@pytest.mark.usefixtures("no_stamp")
def test_a_new_key_is_followed(engine, user, change):
    """The record moves with the session; the middleware tells it where Django doesn't."""
    request = logged_in(engine, user)
    old, owner = request.session.session_key, user
    if change == "cycle":
        request.session.cycle_key()
    elif change == "hash":
        request.user = user
        update_session_auth_hash(request, user)
    elif change == "again":
        login(request, user, backend="swap_user.backends.OTPBackend")
        request.session.cycle_key()
    else:
        owner = make_user(2)
        login(request, owner, backend="swap_user.backends.OTPBackend")
    request.session.save()
    records.follow(request)
    key = request.session.session_key
    assert key != old
    assert [row.session_key for row in sessions_of(owner)] == [key]
    end_sessions(owner)
    assert not is_in(engine, key)


@pytest.mark.parametrize("name", ["db", "cached_db"])
@pytest.mark.usefixtures("no_stamp")
def test_a_new_key_is_followed_without_middleware(settings, user, name):
    """Where sessions are rows, saving them is enough."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    engine = import_module(settings.SESSION_ENGINE)
    request = logged_in(engine, user)
    request.session.cycle_key()
    request.session.save()
    end_sessions(user)
    assert not is_in(engine, request.session.session_key)


@pytest.mark.parametrize("name", ["db", "cached_db"])
def test_a_session_that_was_made_by_hand(settings, user, name):
    """A tool that writes the user's key into a session goes around the signal, not the record."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    engine = import_module(settings.SESSION_ENGINE)
    session = engine.SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session.save()
    session["more"] = 1
    session.save()
    assert [row.session_key for row in LoginSession.objects.all()] == [session.session_key]
    assert end_session(user, LoginSession.objects.get().pk)
    assert not is_in(engine, session.session_key)


def test_an_ended_session_does_not_come_back(engine, user):
    """A request that changes its key while the session is being ended."""
    request = logged_in(engine, user)
    (row,) = sessions_of(user)
    session = engine.SessionStore(request.session.session_key)
    session.cycle_key()
    row.refresh_from_db()
    LoginSession.objects.all().delete()  # as end_sessions() does, with the former key
    session.save()
    other = new_request(engine)
    other.session = engine.SessionStore(session.session_key)
    records.follow(other)
    assert SESSION_KEY not in other.session
    assert not is_in(engine, session.session_key)


@pytest.mark.parametrize("data", [None, "", [], ["x", "y"], {"a": 1}, [1, 2], ["0" * 32]])
def test_another_value_in_the_session(user, data):
    """Whatever another package puts there."""
    request = logged_in(import_module("django.contrib.sessions.backends.db"), user)
    request.session["_swap_user_session"] = data
    request.session.save()
    assert records.follow(request)
    assert len(sessions_of(user)) == 1


def test_signed_cookies_are_not_recorded(settings, user):
    """Their key is the whole session: it is never stored."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    client = Client()
    client.force_login(user)
    assert client.get("/").status_code
    assert not LoginSession.objects.exists()
    end_sessions(user)


@pytest.mark.parametrize("request_", [None, HttpRequest()], ids=["no request", "no session"])
def test_a_login_without_a_session(user, request_):
    """Packages for tokens send the signal too."""
    records.note_login(type(user), request=request_, user=user)
    anonymous = visitor()
    records.note_login(type(user), request=anonymous, user=user)
    assert not LoginSession.objects.exists()


def test_what_is_stored_of_the_browser(settings, user):
    """The name, cut off, and the network; neither of them with a retention of 0."""
    engine = import_module("django.contrib.sessions.backends.db")
    logged_in(engine, user, HTTP_USER_AGENT="Bro\x00wser\ud800" * 40, REMOTE_ADDR="2001:db8:1:2::3")
    row = LoginSession.objects.get()
    assert (len(row.user_agent), row.network) == (200, "2001:db8:1::/48")
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_SESSION_RETENTION": 0}
    logged_in(engine, make_user(2), HTTP_USER_AGENT="Browser", REMOTE_ADDR="192.0.2.1")
    row = LoginSession.objects.latest("created_at")
    assert (row.user_agent, row.network) == ("", "")


# --- Transactions ---------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("no_stamp")
def test_a_login_that_is_rolled_back():
    """The session lives on if a caller saves it after the rollback: then it is recorded."""
    user, engine = make_user(), import_module("django.contrib.sessions.backends.db")
    request = new_request(engine)
    with transaction.atomic():
        login(request, user, backend="swap_user.backends.OTPBackend")
        transaction.set_rollback(True)
    session = engine.SessionStore()
    session.update(dict(request.session.items()))
    session.save()
    end_sessions(user)
    assert not is_in(engine, session.session_key)


@pytest.mark.django_db(transaction=True)
def test_a_login_in_a_transaction():
    """It is recorded at the commit, with its browser."""
    user, engine = make_user(), import_module("django.contrib.sessions.backends.db")
    request = new_request(engine, HTTP_USER_AGENT="Firefox")
    with transaction.atomic():
        login(request, user, backend="swap_user.backends.OTPBackend")
        assert not LoginSession.objects.exists()
    request.session.save()
    (row,) = sessions_of(user)
    assert (row.user_agent, row.session_key) == ("Firefox", request.session.session_key)


@pytest.mark.django_db(transaction=True)
def test_a_login_costs_one_insert():
    """Beside what Django's login does; no BEGIN around it, and no second row at the next save."""
    user, engine = make_user(), import_module("django.contrib.sessions.backends.db")
    request = new_request(engine)
    with CaptureQueriesContext(connection) as queries:
        login(request, user, backend="swap_user.backends.OTPBackend")
    ours = [query["sql"] for query in queries if "loginsession" in query["sql"]]
    assert [sql.split()[0] for sql in ours] == ["INSERT"]
    with CaptureQueriesContext(connection) as queries:
        request.session["more"] = 1
        request.session.save()
        records.follow(request)
    assert not [query for query in queries if "loginsession" in query["sql"]]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", ["alone", "in a transaction"])
def test_a_missing_table_makes_no_login_fail(monkeypatch, caplog, place):
    """A server that runs new code before `migrate`, or a router that leaves our table out."""
    monkeypatch.setattr(LoginSession._meta, "db_table", "not_there")
    user, engine = make_user(), import_module("django.contrib.sessions.backends.db")
    request = new_request(engine)
    if place == "alone":
        login(request, user, backend="swap_user.backends.OTPBackend")
    else:
        with transaction.atomic():
            login(request, user, backend="swap_user.backends.OTPBackend")
    request.session.save()
    assert is_in(engine, request.session.session_key)
    assert "session not recorded" in caplog.text
    request.user = user
    logout(request)


# --- The middleware -------------------------------------------------------------------------------


@pytest.fixture
def middleware(settings):
    """The middleware, after that of authentication."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]
    records._seen.clear()


def test_the_middleware_saves_when_a_user_was_last_seen(middleware, clock, staff):
    """At most once in five minutes."""
    client = Client()
    log_in(client, staff)
    first = LoginSession.objects.get().last_seen_at
    for seconds, is_later in ((10, False), (301, True)):
        clock.shift(seconds)
        # The process measures with a clock that can't be set back.
        if is_later:
            records._seen.clear()
        client.get("/admin/")
        assert (LoginSession.objects.get().last_seen_at > first) is is_later


def test_the_middleware_records_an_older_session(middleware, staff):
    """A session of before the upgrade, at its next request."""
    client = Client()
    log_in(client, staff)
    session = client.session
    del session["_swap_user_session"]
    session.save()
    LoginSession.objects.all().delete()
    client.get("/admin/", HTTP_USER_AGENT="Firefox")
    row = LoginSession.objects.get()
    assert (row.session_key, row.user_agent) == (client.session.session_key, "Firefox")


def test_the_middleware_ends_an_ended_session(middleware, settings, staff):
    """Also where another server has put the session back into its cache."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    client = Client()
    log_in(client, staff)
    assert client.get("/admin/").status_code == 200
    LoginSession.objects.all().delete()
    records._seen.clear()
    client.get("/admin/")
    assert client.get("/admin/").status_code == 302


async def _async_visit(staff):
    client = AsyncClient()
    await sync_to_async(log_in)(client, staff)
    response = await client.get("/admin/")
    return response.status_code


@pytest.mark.django_db(transaction=True)
def test_the_middleware_is_asynchronous_too(middleware):
    """In an asynchronous server."""
    from asgiref.sync import async_to_sync

    staff = make_user(is_staff=True, is_superuser=True)
    assert async_to_sync(_async_visit)(staff) == 200
    assert len(sessions_of(staff)) == 1


def test_the_middleware_reads_no_session_that_the_view_does_not(middleware, rf, staff):
    """A page without a session stays without one."""
    from django.contrib.sessions.middleware import SessionMiddleware
    from django.http import HttpResponse

    from swap_user.middleware import LoginSessionMiddleware

    client = Client()
    log_in(client, staff)
    request = rf.get("/")
    request.COOKIES.update({name: morsel.value for name, morsel in client.cookies.items()})
    answer = SessionMiddleware(LoginSessionMiddleware(lambda request: HttpResponse()))
    with CaptureQueriesContext(connection) as queries:
        response = answer(request)
    assert len(queries) == 0
    assert "Vary" not in response


@pytest.mark.usefixtures("no_stamp")
@pytest.mark.requirement("R36")
def test_a_session_with_a_new_key_goes_on(engine, user):
    """As after a change of the password: update_session_auth_hash(), then end_sessions()."""
    kept, other = logged_in(engine, user), logged_in(engine, user)
    kept.user = user
    update_session_auth_hash(kept, user)
    end_sessions(user, keep=kept)
    assert records.follow(kept)
    kept.session.save()
    assert is_in(engine, kept.session.session_key)
    assert not is_in(engine, other.session.session_key)
    assert [row.session_key for row in sessions_of(user)] == [kept.session.session_key]


@pytest.mark.usefixtures("no_stamp")
@pytest.mark.requirement("R36")
@pytest.mark.django_db(transaction=True)
def test_a_session_with_a_new_key_goes_on_after_the_commit(engine, user):
    """The same with ATOMIC_REQUESTS, where the record follows the key only at the commit."""
    kept, other = logged_in(engine, user), logged_in(engine, user)
    kept.user = user
    with transaction.atomic():
        update_session_auth_hash(kept, user)
        end_sessions(user, keep=kept)
    assert records.follow(kept)
    kept.session.save()
    assert is_in(engine, kept.session.session_key)
    assert not is_in(engine, other.session.session_key)


@pytest.mark.usefixtures("no_stamp")
@pytest.mark.requirement("R36", "R53")
def test_a_session_whose_new_key_is_not_saved_goes_on(engine, user):
    """As in a view that has just accepted the first of two codes."""
    kept, other = logged_in(engine, user), logged_in(engine, user)
    kept.user = user
    renew_key(kept.session)
    end_sessions(user, keep=kept)
    kept.session.save()
    assert records.follow(kept)
    assert is_in(engine, kept.session.session_key)
    assert not is_in(engine, other.session.session_key)


def test_a_saved_session_gets_a_new_key(engine, user):
    """A view around a page of this package, whose session is saved before the view ends."""
    request = logged_in(engine, user)
    key = request.session.session_key
    request.session = SavedSession(request.session)
    renew_key(request.session)
    request.session.save()
    assert request.session.session_key != key
    assert not is_in(engine, key)
    assert is_in(engine, request.session.session_key)


# --- What an engine can do with keys --------------------------------------------------------------


def test_which_sessions_exist(engine, user):
    """Only those that are asked for, without those that are gone."""
    one, _, gone = (logged_in(engine, user).session for _ in range(3))
    gone.delete()
    found = engines.existing([one.session_key, gone.session_key, "never"])
    assert list(found) == [one.session_key]


@pytest.mark.parametrize("name", ["db", "cached_db"])
def test_an_expired_session_does_not_exist(settings, user, name):
    """Its row may still be there. The others are returned with the end of their time."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    engine = import_module(settings.SESSION_ENGINE)
    live, expired = (logged_in(engine, user).session.session_key for _ in range(2))
    ago = timezone.now() - timedelta(seconds=1)
    Session.objects.filter(pk=expired).update(expire_date=ago)
    end = Session.objects.get(pk=live).expire_date
    assert engines.existing([live, expired]) == {live: end}


def test_an_engine_with_a_prefix_of_its_own(settings, monkeypatch, user):
    """Its sessions are found in the cache under this prefix."""

    class Prefixed(in_cache.SessionStore):
        cache_key_prefix = "own:"

    module = ModuleType("prefixed")
    module.SessionStore = Prefixed
    monkeypatch.setitem(sys.modules, "prefixed", module)
    settings.SESSION_ENGINE = "prefixed"
    key = logged_in(module, user).session.session_key
    assert list(engines.existing([key])) == [key]


@pytest.mark.parametrize("name", ["db", "cached_db"])
def test_sessions_in_a_table_are_deleted_together(settings, user, name):
    """The number of statements does not depend on the number of sessions."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{name}"
    engine = import_module(settings.SESSION_ENGINE)
    costs = []
    for number in (2, 5):
        keys = [logged_in(engine, user).session.session_key for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            engines.delete(keys)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert not Session.objects.exists()


def test_how_many_keys_fit_into_a_statement():
    """Older versions of SQLite allow 999 parameters. No key is left out."""
    found = list(engines.batches(range(2500)))
    assert max(map(len, found)) < 999
    assert [key for batch in found for key in batch] == list(range(2500))


@pytest.mark.parametrize(
    "name",
    [
        "django.contrib.sessions.backends.db",
        "django.contrib.sessions.backends.cache",
        "not.there",
        "tests.otp.sessions.no_urls",  # a module without a SessionStore
    ],
)
def test_the_models_of_sessions(settings, name):
    """Those of the installed apps, even where the engine has none or can't be imported."""
    settings.SESSION_ENGINE = name
    assert engines.session_models() == {Session}
