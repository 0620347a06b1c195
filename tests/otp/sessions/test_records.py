"""Recorded sessions: seen by their owner, and ended without searching all sessions."""

from __future__ import annotations

import uuid
from collections import OrderedDict
from datetime import timedelta
from importlib import import_module
from types import SimpleNamespace

import pytest
import redis
from django.contrib.auth import SESSION_KEY, login
from django.contrib.auth.models import Group
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import IntegrityError, connection
from django.http import HttpRequest
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from swap_user.models import LoginSession
from swap_user.otp import end_sessions
from swap_user.otp.sessions import engines, records
from swap_user.testing import log_in
from tests.support import ask, enter, make_user, visitor

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]


def test_a_login_is_recorded(user):
    """Who, when, browser and network; the network is not the whole address."""
    from swap_user.models import LoginSession

    request = visitor(HTTP_USER_AGENT="Firefox", REMOTE_ADDR="198.51.100.7")
    login(request, enter(request, ask(request)))
    (row,) = LoginSession.objects.all()
    assert (row.user_id, row.session_key) == (user.pk, request.session.session_key)
    assert (row.user_agent, row.network) == ("Firefox", "198.51.100.0/24")


def test_the_stored_sessions_of_a_user_are_deleted(user):
    """Not one of them stays in the table of sessions, and none of another user goes."""
    other = Client()
    other.force_login(make_user(2))
    for _ in range(3):
        Client().force_login(user)
    end_sessions(user)
    assert [row.session_key for row in Session.objects.all()] == [other.session.session_key]


def test_the_number_of_other_sessions_does_not_matter(user):
    """The same statements with 5 and with 50 sessions of other users, and not one reads a table."""
    costs = []
    for first in (10, 100):
        for number in range(first, first + (5 if first == 10 else 50)):
            Client().force_login(make_user(number))
        Client().force_login(user)
        with CaptureQueriesContext(connection) as queries:
            end_sessions(user)
        costs.append(len(queries))
    assert costs[0] == costs[1]
    assert any("swap_user_loginsession" in query["sql"] for query in queries)


def test_a_deleted_user_leaves_no_session(user):
    """Their stored sessions go with them."""
    Client().force_login(user)
    user.delete()
    assert not Session.objects.exists()


def test_a_session_of_nobody_breaks_no_test_case(user):
    """A session that names a deleted user: no record is written that breaks the foreign key."""
    client = Client()
    log_in(client, user)
    session = client.session
    session[SESSION_KEY] = str(user.pk + 1)
    session.save()
    row = LoginSession.objects.get()
    assert row.user_id == user.pk


# --- One step at a time ---------------------------------------------------------------------------

FIREFOX = {"user_agent": "Firefox", "network": "198.51.100.0/24"}


@pytest.fixture
def in_cache(settings):
    """The engine that keeps sessions in the cache, whose saves send no signal."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    records._seen.clear()


def request_of(owner, engine="cache"):
    """Return a request whose session was logged in by hand."""
    request = visitor(HTTP_USER_AGENT="Firefox", REMOTE_ADDR="198.51.100.7")
    request.session = import_module(f"django.contrib.sessions.backends.{engine}").SessionStore()
    request.session[SESSION_KEY] = str(getattr(owner, "pk", owner))
    request.session.save()
    request.user = owner
    return request


def row_of(user, key, **fields):
    """Create a record of a day ago."""
    ago = timezone.now() - timedelta(days=1)
    return LoginSession.objects.create(
        user=user, session_key=key, last_seen_at=ago, expires_at=ago, **fields
    )


def stored(row):
    """Return all fields of a record as they are in the database."""
    return LoginSession.objects.filter(pk=row.pk).values().get()


def log_in_again(request):
    request.session.cycle_key()
    records.note_login(None, request, request.user)


def log_in_without_note(request):
    del request.session[records.SESSION_KEY]
    records.note_login(None, request, request.user)


def follow_a_new_key(request):
    request.session.cycle_key()
    records.follow(request)


def log_out(request):
    records.note_logout(None, request)


def log_out_without_note(request):
    del request.session[records.SESSION_KEY]
    records.note_logout(None, request)


@pytest.mark.parametrize(
    ("step", "is_left"),
    [
        (log_in_again, True),
        (log_in_without_note, True),
        (follow_a_new_key, True),
        (records.follow, True),
        (log_out, False),
        (log_out_without_note, False),
    ],
)
def test_each_step_changes_only_the_row_of_its_session(in_cache, user, step, is_left):
    """The rows of other sessions stay as they are."""
    others = [row_of(make_user(2), "theirs"), row_of(user, "mine")]
    before = [stored(row) for row in others]
    request = request_of(user)
    records.follow(request)
    step(request)
    assert [stored(row) for row in others] == before
    rest = LoginSession.objects.exclude(session_key__in=["theirs", "mine"])
    key = request.session.session_key
    assert [(row.user_id, row.session_key) for row in rest] == [(user.pk, key)] * is_left


def test_a_followed_session_costs_no_more_queries(in_cache, user, django_assert_num_queries):
    """Its note names the new row and then the new key, so that the next request reads nothing."""
    row_of(make_user(2), "theirs")
    request = request_of(user)
    for _ in range(2):
        assert records.follow(request)
        row = LoginSession.objects.get(user=user)
        assert row.session_key == request.session.session_key
        assert records.read_note(request.session).id == row.pk
        records.follow(request)
        with django_assert_num_queries(0):
            assert records.follow(request)
        request.session.cycle_key()


@pytest.mark.parametrize("is_login", [False, True])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, FIREFOX),
        ({"user_agent": "Lynx"}, {"user_agent": "Lynx", "network": ""}),
        ({"network": "192.0.2.0/24"}, {"user_agent": "", "network": "192.0.2.0/24"}),
    ],
)
def test_the_browser_of_a_row_that_has_none(in_cache, user, is_login, before, after):
    """The middleware adds it. Only a login replaces what is known."""
    request = request_of(user)
    row_of(make_user(2), "theirs")
    row = row_of(user, request.session.session_key, **before)
    if is_login:
        records.note_login(None, request, user)
        after = FIREFOX
    else:
        records.follow(request)
    assert {name: stored(row)[name] for name in after} == after
    assert stored(row)["session_key"] == request.session.session_key
    assert records.read_note(request.session).id == row.pk


def test_a_login_in_a_session_that_was_ended(in_cache, user):
    """Its note names a row that is gone: it gets a new one."""
    request = request_of(user)
    records.follow(request)
    LoginSession.objects.all().delete()
    records.note_login(None, request, user)
    row = LoginSession.objects.get()
    assert records.read_note(request.session).id == row.pk


def test_a_login_of_somebody_else(in_cache, user):
    """Neither a user whom the session does not name, nor an object that is no user."""
    request = request_of(user)
    group = Group.objects.create(pk=user.pk, name="editors")
    for somebody in (make_user(2), group):
        records.note_login(None, request, somebody)
    assert not LoginSession.objects.exists()


def test_a_login_in_a_session_without_a_key(in_cache, user):
    """As login() leaves it that has emptied the session of another user."""
    request = request_of(make_user(2))
    login(request, user, backend="swap_user.backends.OTPBackend")
    row = LoginSession.objects.get()
    assert (row.user_id, row.session_key) == (user.pk, request.session.session_key)
    assert row.user_agent == "Firefox"


@pytest.mark.parametrize("lost", ["user", "key"])
def test_a_session_that_is_logged_out_before_the_commit(in_cache, user, caplog, lost):
    """Nothing is recorded, and that is no error."""
    session = request_of(user).session
    if lost == "user":
        del session[SESSION_KEY]
    else:
        session._session_key = None
    records._store(session, user.pk, FIREFOX)
    assert not LoginSession.objects.exists()
    assert "session not recorded" not in caplog.text


def test_a_record_that_the_database_refuses(in_cache, user, monkeypatch, caplog):
    """The login goes on."""

    def refuse(*args, **kwargs):
        raise IntegrityError("no such user")

    monkeypatch.setattr(LoginSession, "save", refuse)
    records.note_login(None, request_of(user), user)
    assert "session not recorded" in caplog.text


@pytest.mark.parametrize("step", [records.follow, log_out])
def test_a_failure_within_a_transaction(in_cache, user, monkeypatch, caplog, step):
    """It ends no session, and the caller can still use the transaction."""
    request = request_of(user)
    records.follow(request)
    with monkeypatch.context() as patch:
        patch.setattr(LoginSession._meta, "db_table", "not_there")
        assert step(request) is (True if step is records.follow else None)
    assert request.user == user
    assert "session not recorded" in caplog.text
    assert LoginSession.objects.count() == 1


def test_the_savepoint_is_in_the_database_of_the_records(monkeypatch):
    """Which a router may choose."""
    monkeypatch.setattr(records, "alias", lambda: "records")
    monkeypatch.setattr(records, "connections", {"records": SimpleNamespace(in_atomic_block=True)})
    assert records._savepoint().using == "records"


@pytest.mark.parametrize("request_", [None, HttpRequest(), visitor()], ids=["-", "api", "new"])
def test_a_logout_without_a_session(user, django_assert_num_queries, request_):
    """There is nothing to delete."""
    with django_assert_num_queries(0):
        records.note_logout(None, request_)


def test_a_session_in_a_signed_cookie(settings, user, django_assert_num_queries):
    """Its key, which is all its data, is neither stored nor searched for."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    request = request_of(user, "signed_cookies")
    with django_assert_num_queries(0):
        assert records.follow(request)
        records.note_logout(None, request)


def test_a_session_without_a_user(user, django_assert_num_queries):
    """Nothing is asked of the database for a visitor who is not logged in."""
    request = visitor()
    request.session["cart"] = [1]
    request.session.save()
    stored_session = Session.objects.get()
    with django_assert_num_queries(0):
        assert records.follow(request)
        records.note_save(Session, stored_session)


def test_sessions_of_a_fixture(user):
    """`loaddata` loads the records itself."""
    session = Session.objects.get(pk=request_of(user, "db").session.session_key)
    LoginSession.objects.all().delete()
    records.note_save(Session, session, raw=True)
    assert not LoginSession.objects.exists()


@pytest.mark.parametrize("owner", ["no number", "99999"])
def test_a_session_of_nobody_is_not_recorded(in_cache, owner):
    """The middleware leaves it as it is."""
    request = request_of(owner)
    assert records.follow(request)
    assert records.read_note(request.session) is None
    assert not LoginSession.objects.exists()


@pytest.mark.parametrize("changes_key", [False, True])
def test_an_ended_session_is_logged_out(in_cache, user, changes_key):
    """At its next request, while other sessions go on."""
    row_of(user, "mine")
    request = request_of(user)
    records.follow(request)
    LoginSession.objects.exclude(session_key="mine").delete()
    if changes_key:
        request.session.cycle_key()
    assert not records.follow(request)
    assert SESSION_KEY not in request.session
    assert request.user.is_anonymous
    assert LoginSession.objects.count() == 1


def test_an_ended_session_that_is_saved_with_a_new_key(user):
    """It is deleted at once, whether or not it is used again."""
    session = request_of(user, "db").session
    records.follow(SimpleNamespace(session=session, META={}))
    LoginSession.objects.all().delete()
    session.cycle_key()  # which saves it
    assert not SessionStore().exists(session.session_key)


@pytest.mark.parametrize("error", [redis.ConnectionError(), OSError()], ids=["Redis", "file"])
def test_an_ended_session_that_can_not_be_deleted(user, monkeypatch, error):
    """The request is logged out all the same."""

    def fail(keys):
        raise error

    request = request_of(user, "db")
    records.follow(request)
    LoginSession.objects.all().delete()
    monkeypatch.setattr(engines, "delete", fail)
    request.session.cycle_key()
    assert not records.follow(request)
    assert SESSION_KEY not in request.session


# --- When the last request was --------------------------------------------------------------------


@pytest.fixture
def seconds(monkeypatch):
    """The clock of a process that has just started; it stands until it is moved."""
    clock = SimpleNamespace(now=10.0)
    monkeypatch.setattr(records, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(records, "_seen", OrderedDict())
    return clock


def test_how_often_the_last_request_is_saved(seconds):
    """Every five minutes, from the first request on."""
    row_id = uuid.uuid4()
    for now, is_due in ((10, True), (10, False), (309, False), (310, True), (311, False)):
        seconds.now = now
        assert records._is_due(row_id) is is_due, now
    assert records._is_due(uuid.uuid4()) is True


def test_how_many_sessions_are_remembered(seconds, monkeypatch):
    """Those with the latest requests; another one only costs one more statement."""
    monkeypatch.setattr(records, "_MOST_SEEN", 2)
    one, two, three = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    for now, row_id in ((10, one), (110, two), (310, one), (310, three)):
        seconds.now = now
        assert records._is_due(row_id)
    assert [records._is_due(row_id) for row_id in (one, three, two)] == [False, False, True]


def test_threads_take_turns(seconds, monkeypatch):
    """What a process remembers is read and changed by one thread at a time."""

    class Guarded(OrderedDict):
        def get(self, *args):
            assert records._seen_lock.locked()
            return super().get(*args)

        def __setitem__(self, *args):
            assert records._seen_lock.locked()
            super().__setitem__(*args)

    monkeypatch.setattr(records, "_seen", Guarded())
    assert records._is_due(uuid.uuid4())


def test_a_note_of_the_version_before():
    """It is found again after an update: its name and its form stay the same."""
    row_id = uuid.uuid4()
    note = records.read_note({"_swap_user_session": [row_id.hex, "0123456789abcdef"]})
    assert note == records.Note(row_id, "0123456789abcdef")
