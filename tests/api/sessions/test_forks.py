"""A session has one token: what changes it at the same time, and what does not change it."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections

from swap_user.otp import end_sessions
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.sessions import app_sessions, ending, sessions
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.api.stored import stored_sessions

AT_ONCE = 3


@pytest.mark.requirement("R36", "R52", "R53")
@pytest.mark.django_db(transaction=True)
def test_rotations_at_once(user: Any) -> None:
    """One of them gets a token. For the others, the session has ended."""
    app = logged_in(AppClient(), sent_code)
    barrier = threading.Barrier(AT_ONCE)
    others = [AppClient(token=app.token) for _ in range(AT_ONCE)]

    def rotate(client: AppClient) -> None:
        try:
            barrier.wait()
            client.post("session/token/")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=rotate, args=[each]) for each in others]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    # With SQLite, one that waits too long for another is answered with 503.
    live = {
        each.token
        for each in others
        if AppClient(token=each.token).get("session/").status_code == 200
    }
    assert len(live) <= 1
    assert Session.objects.count() == len(live)
    if connection.vendor != "sqlite":
        assert len(live) == 1


@pytest.mark.django_db
def test_end_sessions_in_a_view_of_the_project(user: Any, rf: Any) -> None:
    """Outside the API no answer has a new token, so the app keeps its own, and is still known."""
    app = logged_in(AppClient(), sent_code)
    other = logged_in(AppClient(), sent_code)
    request = rf.get("/")
    request.session, request.user = app_sessions.load(app.token), user
    end_sessions(user, keep=request)
    assert app.get("session/").status_code == 200
    assert other.get("session/").status_code == 401
    assert user.otp_known_browsers.count() == 1


@pytest.mark.requirement("R30")
@pytest.mark.django_db
def test_known_browser_is_not_in_the_session(user: Any) -> None:
    """The table of known browsers has a hash only, so the session must not have more."""
    app = logged_in(AppClient(), sent_code)
    signature = app.known_browser.rpartition(":")[2]
    (stored,) = stored_sessions().values()
    assert signature not in repr(stored)
    assert app_sessions.known_browser(app_sessions.load(app.token)) == app.known_browser


@pytest.mark.django_db
def test_outage_after_the_new_token(user: Any, monkeypatch: Any) -> None:
    """The answer has the token all the same: the former one is gone."""
    app = logged_in(AppClient(), sent_code)
    former = app.token
    app.ask()

    def fail(*args: Any) -> None:
        raise LoginUnavailable

    with monkeypatch.context() as patch:
        patch.setattr("swap_user.otp.verification.outcomes.known_browsers.remember", fail)
        answer = app.post("step-up/", otp=sent_code())
    assert answer.status_code == 503
    assert app.token != former
    assert app.get("session/").status_code == 200


@pytest.mark.django_db
def test_rotated_browser_is_followed_without_a_middleware(user: Any, settings: Any) -> None:
    """The engine does not tell when a key changes. The owner still finds the session."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    browser = logged_in(BrowserClient(), sent_code)
    assert browser.post("session/token/").status_code == 200
    (row,) = ending.sessions_of(user)
    assert ending.end_session(user, row.pk)
    assert browser.get("session/").status_code == 401


@pytest.mark.django_db
def test_browser_session_that_ends_meanwhile(user: Any, monkeypatch: Any) -> None:
    """A problem, and not a page of Django."""
    browser = logged_in(BrowserClient(), sent_code)

    def end(*args: Any, **kwargs: Any) -> bool:
        Session.objects.all().delete()
        return sessions.proof.is_sufficient(*args, **kwargs)

    monkeypatch.setattr("swap_user.api.operations.is_fresh", end)
    answer = browser.post("authenticators/", name="Phone")
    assert answer.status_code == 401
    assert answer.json()["code"] == "not_authenticated"
