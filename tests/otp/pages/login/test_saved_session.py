"""The session of a guarded view is saved in it, and stays a session like any other."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from django.contrib import messages
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from swap_user.otp.pages.login.saved_session import SavedSession
from swap_user.otp.pages.login.unavailable import answer_outages
from tests.otp.pages.login.guarded import (
    COOKIE,
    session_writes,
)
from tests.otp.pages.sites import neither

# An outage closes the connection, which a test in a transaction could not open again.
pytestmark = [pytest.mark.django_db(transaction=True), neither]


ENGINES = ["db", "cache", "cached_db", "file", "signed_cookies"]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_kind_of_session(
    client: Client, answers_with: Any, settings: Any, tmp_path: Any, engine: str
) -> None:
    """The cookie is set, and what is stored is found at the next request."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    settings.SESSION_FILE_PATH = str(tmp_path)

    def view(request: HttpRequest) -> HttpResponse:
        request.session["n"] = request.session.get("n", 0) + 1
        return HttpResponse(str(request.session["n"]))

    answers_with(view)
    for n in (1, 2, 3):
        response = client.get("/")
        assert response.content == str(n).encode()
        assert response.cookies[COOKIE]["max-age"] == settings.SESSION_COOKIE_AGE
        assert "Cookie" in response["Vary"]


@pytest.mark.parametrize("every_request", [False, True])
@pytest.mark.parametrize("changed", [False, True])
def test_it_is_written_once(
    client: Client, answers_with: Any, settings: Any, every_request: bool, changed: bool
) -> None:
    """And only when SessionMiddleware would."""
    answers_with(lambda request: request.session.update({"a": 0}) or HttpResponse())
    client.get("/")
    settings.SESSION_SAVE_EVERY_REQUEST = every_request
    change = {"a": 1} if changed else {}
    answers_with(lambda request: HttpResponse(request.session.update(change) if changed else ""))
    with CaptureQueriesContext(connection) as queries:
        response = client.get("/")
    assert session_writes(queries) == (changed or every_request)
    assert (COOKIE in response.cookies) is (changed or every_request)


@pytest.mark.parametrize("expiry", [90, 0, timedelta(seconds=90)])
def test_the_cookie_expires_with_the_session(
    client: Client, answers_with: Any, expiry: Any, clock: Any
) -> None:
    answers_with(lambda request: request.session.set_expiry(expiry) or HttpResponse())
    cookie = client.get("/").cookies[COOKIE]
    if expiry == 0:
        assert (cookie["max-age"], cookie["expires"]) == ("", "")
    else:
        assert cookie["max-age"] == 90
        ends = parsedate_to_datetime(cookie["expires"]).timestamp()
        assert ends == int(time.time() + 90)


def later(change: Callable[[Any], Any]) -> Any:
    """Return middleware that changes the session after the view."""

    def middleware(get_response: Any) -> Any:
        def process(request: HttpRequest) -> Any:
            response = get_response(request)
            change(request.session)
            return response

        return process

    return middleware


def set_item(session: Any) -> None:
    assert "a" in session
    assert session["a"] == {"deep": 1}
    session["b"] = 2
    del session["a"]


def mutate(session: Any) -> None:
    session["a"]["deep"] = 2
    session.modified = True


set_later, mutate_later = later(set_item), later(mutate)
cycle_later = later(lambda session: session.cycle_key())
flush_later = later(lambda session: session.flush())


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ("set_later", {"b": 2}),
        ("mutate_later", {"a": {"deep": 2}}),
        ("cycle_later", {"a": {"deep": 1}}),
        ("flush_later", None),
    ],
)
def test_changes_after_it_was_saved(
    client: Client, answers_with: Any, settings: Any, change: str, stored: Any
) -> None:
    """Other middleware may still change it."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.{change}"]
    answers_with(lambda request: request.session.update({"a": {"deep": 1}}) or HttpResponse())
    client.get("/")
    rows = [row.get_decoded() for row in Session.objects.all()]
    assert rows == ([] if stored is None else [stored])
    if stored is not None:
        assert client.session.session_key == Session.objects.get().session_key


def test_messages_in_the_session(client: Client, answers_with: Any, settings: Any) -> None:
    """They are stored after the view."""
    settings.MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

    def view(request: HttpRequest) -> HttpResponse:
        request.session["a"] = 1
        messages.success(request, "Done.")
        return HttpResponse()

    answers_with(view)
    client.get("/")
    answers_with(
        lambda request: HttpResponse(str([str(m) for m in messages.get_messages(request)]))
    )
    assert client.get("/").content == b"['Done.']"
    assert client.get("/").content == b"[]"


def test_an_emptied_session(client: Client, answers_with: Any) -> None:
    """Its cookie is deleted."""
    answers_with(lambda request: request.session.update({"a": 1}) or HttpResponse())
    client.get("/")
    answers_with(lambda request: request.session.flush() or HttpResponse())
    assert client.get("/").cookies[COOKIE]["max-age"] == 0
    assert not Session.objects.exists()


def test_a_server_error_saves_no_session(client: Client, answers_with: Any) -> None:
    """As Django's own."""
    answers_with(lambda request: request.session.update({"a": 1}) or HttpResponse(status=503))
    client.get("/")
    assert not Session.objects.exists()


def test_a_request_without_a_session() -> None:
    """There may be no SessionMiddleware."""
    assert answer_outages(lambda request: HttpResponse("x"))(RequestFactory().get("/")).content


def test_a_saved_session_is_the_session_but_for_saving() -> None:
    store = SessionStore()
    store["a"] = 1
    store.save()
    methods = dict(vars(store))
    saved: Any = SavedSession(store)
    assert saved.session_key == store.session_key
    assert (saved.accessed, saved.modified) == (True, True)
    saved.modified = False
    assert store.modified is False
    assert "a" in saved
    saved["b"] = saved["a"]
    del saved["a"]
    assert dict(store.items()) == {"b": 1}
    assert saved.get("b") == 1
    with pytest.raises(AttributeError, match="nothing"):
        _ = saved.nothing
    assert set(vars(store)) == set(methods)
