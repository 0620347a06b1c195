"""Records do not outlive their sessions, and sessions of before the upgrade get records."""

from __future__ import annotations

import io
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from swap_user.management import expiry
from swap_user.management.commands.clearsessions import Command
from swap_user.models import KnownBrowser, LoginSession, PendingUpgrade, WrongGuess
from swap_user.otp import end_sessions
from swap_user.otp.sessions import records, unrecorded
from swap_user.otp.sessions.unrecorded import record_existing_sessions
from tests.support import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R52")]


def age(**delta):
    """Make all records older."""
    ago = timezone.now() - timedelta(**delta)
    LoginSession.objects.update(created_at=ago, last_seen_at=ago)


@pytest.fixture
def clients(user):
    """Five browsers in which the user is logged in."""
    clients = [Client() for _ in range(5)]
    for client in clients:
        client.force_login(user)
    return clients


def test_clearsessions_deletes_what_is_gone(clients, settings):
    """Flushed and expired sessions lose their records; live ones keep theirs."""
    age(hours=2)
    clients[0].session.flush()
    Session.objects.filter(pk=clients[1].session.session_key).update(
        expire_date=timezone.now() - timedelta(seconds=1)
    )
    out = io.StringIO()
    settings.INSTALLED_APPS = [
        "swap_user",
        *(a for a in settings.INSTALLED_APPS if a != "swap_user"),
    ]
    call_command("clearsessions", stdout=out)
    assert "2 deleted, 0 blanked" in out.getvalue()
    assert LoginSession.objects.count() == 3
    assert Session.objects.count() == 3


def test_a_session_that_is_not_saved_yet(clients):
    """A record that is younger than an hour stays."""
    Session.objects.all().delete()
    assert expiry.tidy_records() == (0, 0)
    age(hours=2)
    assert expiry.tidy_records(batch_size=2) == (5, 0)


@pytest.mark.parametrize(("minutes", "deleted"), [(59, 0), (61, 1)])
def test_when_a_record_without_a_session_is_deleted(user, minutes, deleted):
    """After an hour, in which a slow request can still save the session."""
    LoginSession.objects.create(user=user, session_key="gone", expires_at=timezone.now())
    age(minutes=minutes)
    assert expiry.tidy_records() == (deleted, 0)


def test_a_cache_that_does_not_answer(settings, user):
    """A session in a cache is gone only when it should have expired too."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    Client().force_login(user)
    key = LoginSession.objects.get().session_key
    from django.contrib.sessions.backends.cache import SessionStore as InCache

    InCache(key).delete()
    age(hours=2)
    assert expiry.tidy_records() == (0, 0)
    LoginSession.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert expiry.tidy_records() == (1, 0)


def test_browsers_and_networks_are_blanked(clients, settings):
    """After the retention, from the last request on; the record itself stays."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_SESSION_RETENTION": 86_400}
    LoginSession.objects.update(user_agent="Firefox", network="192.0.2.0/24")
    age(hours=23)
    assert expiry.tidy_records() == (0, 0)
    age(hours=25)
    assert expiry.tidy_records(batch_size=2) == (0, 5)
    assert set(LoginSession.objects.values_list("user_agent", "network")) == {("", "")}
    assert expiry.tidy_records() == (0, 0)


@pytest.mark.parametrize(("browser", "network"), [("Firefox", ""), ("", "192.0.2.0/24")])
def test_half_of_the_data_is_blanked_as_well(clients, user, browser, network):
    """A record or a known browser may have only a name, or only a network."""
    old = timezone.now() - timedelta(days=300)
    LoginSession.objects.update(user_agent=browser, network=network, last_seen_at=old)
    KnownBrowser.objects.create(user=user, user_agent=browser, network=network, logged_in_at=old)
    assert expiry.tidy_records() == (0, 5)
    expiry.tidy_browsers()
    for rows in (LoginSession.objects, KnownBrowser.objects):
        assert set(rows.values_list("user_agent", "network")) == {("", "")}


def test_a_transaction_changes_one_batch(clients):
    """No more records are locked at a time."""
    LoginSession.objects.update(user_agent="Firefox")
    age(days=300)
    assert expiry._blank_old(list(LoginSession.objects.all()[:2])) == 2
    assert LoginSession.objects.filter(user_agent="Firefox").count() == 3


def test_known_browsers_are_deleted_after_a_year(user, settings):
    """As long as their cookie lives; what identifies them is blanked sooner."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_SESSION_RETENTION": 86_400}
    now = timezone.now()
    for name, days in (("new", 0), ("old", 2), ("gone", 366)):
        KnownBrowser.objects.create(
            user=user, browser=name, user_agent="Firefox", logged_in_at=now - timedelta(days=days)
        )
    assert expiry.tidy_browsers() == 1
    left = KnownBrowser.objects.order_by("browser").values_list("browser", "user_agent")
    assert list(left) == [("new", "Firefox"), ("old", "")]


def test_clearsessions_deletes_guesses_and_browsers_after_a_year(user):
    """A day more is left to guesses, as clocks differ; those without a user are overwritten."""
    now, day = timezone.now(), 86_400
    KnownBrowser.objects.create(user=user, logged_in_at=now - timedelta(days=366))
    for owner, days in ((user, 1), (user, 365), (user, 367), (None, 367)):
        at = int(now.timestamp()) - days * day
        WrongGuess.objects.create(user=owner, at=at, units=4, is_known=False)
    out = io.StringIO()
    call_command(Command(), stdout=out)
    assert "Known browsers: 1 deleted. Wrong guesses: 1." in out.getvalue()
    assert WrongGuess.objects.filter(user=user).count() == 2
    assert WrongGuess.objects.filter(user=None).count() == 1


# --- Before the upgrade ---------------------------------------------------------------------------


@pytest.fixture
def old(clients):
    """Sessions of before the upgrade: no records, no notes, and others that are nobody's."""
    for client in clients:
        session = client.session
        session.pop("_swap_user_session")
        session.save()
    SessionStore().create()
    for owner in ("no number", "99999"):
        session = SessionStore()
        session["cart"] = [1]
        session.save()
        data = session.encode({SESSION_KEY: owner})
        Session.objects.filter(pk=session.session_key).update(session_data=data)
    LoginSession.objects.all().delete()
    PendingUpgrade.objects.create(name="sessions")
    return clients


@pytest.mark.user_model("password")
def test_old_sessions_are_found_until_they_are_recorded(old, user):
    """One by one, as before. A security stamp would end them without a search."""
    end_sessions(user)
    assert not any(SESSION_KEY in client.session for client in old)


def test_old_sessions_are_recorded(old, user):
    """In batches, those of users only; then the search is over."""
    progress = list(record_existing_sessions(batch_size=3))
    assert [(each.total, each.done <= 8) for each in progress] == [(8, True)] * 4
    assert LoginSession.objects.count() == 5
    assert set(LoginSession.objects.values_list("user", flat=True)) == {user.pk}
    assert not unrecorded.is_pending()
    with CaptureQueriesContext(connection) as queries:
        end_sessions(user)
    assert not any('"session_data" FROM' in query["sql"] for query in queries)
    assert not any(SESSION_KEY in client.session for client in old)
    assert list(record_existing_sessions()) == []


def test_the_progress_of_recording(old):
    """How many sessions were read, and how many records were written."""
    progress = [
        (each.total, each.done, each.recorded) for each in record_existing_sessions(batch_size=3)
    ]
    assert [done for _, done, _ in progress] == [0, 3, 6, 8]
    assert progress[0] == (8, 0, 0)
    assert progress[-1] == (8, 8, 5)


def test_a_session_that_has_a_record(old, user):
    """It gets no second one, and is not counted."""
    key = old[0].session.session_key
    now = timezone.now()
    LoginSession.objects.create(user=user, session_key=key, user_agent="Firefox", expires_at=now)
    assert list(record_existing_sessions())[-1].recorded == 4
    assert LoginSession.objects.count() == 5
    assert LoginSession.objects.get(session_key=key).user_agent == "Firefox"


def test_a_session_that_is_recorded_meanwhile(old, user, monkeypatch):
    """By a server, after the records were read and before new ones are written."""
    key = old[0].session.session_key
    LoginSession.objects.create(user=user, session_key=key, expires_at=timezone.now())
    monkeypatch.setattr(records, "rows", LoginSession.objects.none)
    list(record_existing_sessions())
    assert LoginSession.objects.count() == 5


def test_an_expired_session_gets_no_record(old):
    """It belongs to no user any more."""
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert [each.total for each in record_existing_sessions()] == [0]
    assert not LoginSession.objects.exists()


def test_other_steps_of_the_upgrade(old):
    """They stay pending, and this one does not read their state."""
    PendingUpgrade.objects.create(name="a step", seal="z" * 40)
    list(record_existing_sessions())
    assert LoginSession.objects.count() == 5
    assert list(PendingUpgrade.objects.values_list("name", flat=True)) == ["a step"]
    assert not unrecorded.is_pending()


def test_an_interrupted_run_goes_on(old):
    """From the batch at which it ended; what a server has recorded meanwhile is left alone."""
    run = record_existing_sessions(batch_size=3)
    assert next(run).total == 8
    next(run)
    run.close()
    assert unrecorded.is_pending()
    again = list(record_existing_sessions(batch_size=3))
    assert again[0].total == 5
    assert LoginSession.objects.count() == 5
    assert not unrecorded.is_pending()


def test_the_migration_notes_old_sessions(clients):
    """Only where there are any: a new project has nothing to record."""

    class Editor:
        connection = connection

    from django.apps import apps

    unrecorded.note_unrecorded(apps, Editor())
    assert unrecorded.is_pending()
    PendingUpgrade.objects.all().delete()
    Session.objects.all().delete()
    unrecorded.note_unrecorded(apps, Editor())
    assert not unrecorded.is_pending()


class NoMigrations:
    """A router that keeps all tables out of a database."""

    def allow_migrate(self, db, app_label, **hints):
        return False


@pytest.mark.parametrize(
    "change",
    [
        {"SESSION_ENGINE": "not.there"},
        {"SESSION_ENGINE": "tests.otp.sessions.no_urls"},  # a module without a SessionStore
        {"SESSION_ENGINE": "django.contrib.sessions.backends.cache"},
        {"DATABASE_ROUTERS": [f"{__name__}.NoMigrations"]},
        {},
    ],
    ids=str,
)
def test_the_migration_where_there_can_be_no_old_sessions(clients, settings, monkeypatch, change):
    """Without an engine or a table of sessions, and in a database without our tables."""
    from django.apps import apps

    for name, value in change.items():
        setattr(settings, name, value)
    if not change:
        monkeypatch.setattr(Session._meta, "db_table", "not_there")
    unrecorded.note_unrecorded(apps, SimpleNamespace(connection=connection))
    assert not PendingUpgrade.objects.exists()


def test_an_engine_without_a_table(settings):
    """Its sessions can't be listed: there is nothing to do."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    PendingUpgrade.objects.create(name="sessions")
    assert list(record_existing_sessions()) == []
    assert not unrecorded.is_pending()


@pytest.mark.parametrize("table", ["swap_user_loginsession", "django_session"])
def test_the_statements_use_an_index(user, table):
    """EXPLAIN shows no scan of the table, with some thousands of rows of others."""
    others = [make_user(number) for number in range(10, 20)]
    now = timezone.now()
    LoginSession.objects.bulk_create(
        LoginSession(user=others[n % 10], session_key=f"key{n}", expires_at=now)
        for n in range(3000)
    )
    Session.objects.bulk_create(
        Session(session_key=f"key{n}", session_data="x", expire_date=now) for n in range(3000)
    )
    Client().force_login(user)
    if connection.vendor != "mysql":  # there, ANALYZE would commit
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {table}")
    if table == "django_session":
        query = Session.objects.filter(session_key__in=["key1", "key2"])
    else:
        query = LoginSession.objects.filter(user_id=user.pk)
    plan = query.explain()
    assert {"sqlite": "USING INDEX", "postgresql": "Index", "mysql": "ref"}[connection.vendor] in (
        plan.replace("COVERING ", "").replace("range", "ref")
    ), plan
    assert "SCAN" not in plan
    assert "Seq Scan" not in plan
