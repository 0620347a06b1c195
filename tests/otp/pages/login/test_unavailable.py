"""The guard around a view: what it answers; responses and sessions are left as they are."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, models
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.test import AsyncClient, Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path

from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.login.saved_session import SavedSession
from swap_user.otp.pages.login.unavailable import RETRY_AFTER, GuardedResponse, answer_outages

# An outage closes the connection, which a test in a transaction could not open again.
pytestmark = pytest.mark.django_db(transaction=True)

OUTAGES = [OperationalError("gone"), redis.ConnectionError("gone"), LoginUnavailable("gone")]
COOKIE = "sessionid"

View = Callable[[HttpRequest], HttpResponse]
views: list[View] = []


@answer_outages
def newest_view(request: HttpRequest) -> HttpResponse:
    return views[-1](request)


urlpatterns = [path("", newest_view)]


@pytest.fixture
def answers_with(settings: Any) -> Iterator[Callable[[View], None]]:
    """Lets the site consist of one view, in the guard."""
    settings.ROOT_URLCONF = __name__
    yield views.append
    views.clear()


def fail(error: Exception) -> Any:
    raise error


def page(text: str) -> Any:
    return engines["django"].from_string(text)


def assert_unavailable(response: Any) -> None:
    assert response.status_code == 503
    assert response["Retry-After"] == str(RETRY_AFTER)
    assert "Logging in is not possible right now." in response.content.decode()
    assert COOKIE not in response.cookies


def session_writes(queries: CaptureQueriesContext) -> int:
    return sum(
        "django_session" in query["sql"] and not query["sql"].startswith("SELECT")
        for query in queries
    )


# --- Outages ------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", OUTAGES)
def test_in_the_view(client: Client, answers_with: Any, error: Exception) -> None:
    answers_with(lambda request: fail(error))
    assert_unavailable(client.get("/"))


@pytest.mark.parametrize("response_class", [TemplateResponse, SimpleTemplateResponse])
@pytest.mark.parametrize("error", OUTAGES)
def test_in_the_template(
    client: Client, answers_with: Any, error: Exception, response_class: Any
) -> None:
    """Nothing of the session is saved either."""

    def view(request: HttpRequest) -> HttpResponse:
        request.session["a"] = 1
        context = {"broken": lambda: fail(error)}
        args = (request,) if response_class is TemplateResponse else ()
        return response_class(*args, page("{{ broken }}"), context)

    answers_with(view)
    assert_unavailable(client.get("/"))
    assert not Session.objects.exists()


def test_in_the_template_of_an_async_site(answers_with: Any) -> None:
    answers_with(
        lambda request: TemplateResponse(
            request, page("{{ broken }}"), {"broken": lambda: fail(OUTAGES[1])}
        )
    )
    assert_unavailable(async_to_sync(AsyncClient().get)("/"))


def test_a_mistake_is_no_outage(client: Client, answers_with: Any) -> None:
    """The project has to see it."""
    for error in (ValueError("x"), OperationalError("no such table: x")):
        answers_with(
            lambda request, error=error: TemplateResponse(
                request, page("{{ broken }}"), {"broken": lambda: fail(error)}
            )
        )
        with pytest.raises(type(error)):
            client.get("/")


@pytest.mark.parametrize("error", [*OUTAGES[:2], OSError("gone"), RuntimeError("gone")])
def test_in_the_session(
    client: Client, answers_with: Any, monkeypatch: Any, error: Exception
) -> None:
    """Whether the page is a template or not."""
    monkeypatch.setattr(SessionStore, "save", lambda *args, **kwargs: fail(error))
    for make in (HttpResponse, lambda: TemplateResponse(None, page("x"))):

        def view(request: HttpRequest, make: Any = make) -> Any:
            request.session["a"] = 1
            return make()

        answers_with(view)
        assert_unavailable(client.get("/"))


def test_an_outage_that_django_reports_as_an_update_of_nothing(
    client: Client, answers_with: Any, monkeypatch: Any
) -> None:
    """Its sessions raise UpdateError for every error of the database."""

    def view(request: HttpRequest) -> HttpResponse:
        request.session["n"] = request.session.get("n", 0) + 1
        return HttpResponse()

    answers_with(view)
    assert client.get("/").status_code == 200
    with monkeypatch.context() as patch:
        patch.setattr(models.Model, "save", lambda *args, **kwargs: fail(OUTAGES[0]))
        assert_unavailable(client.get("/"))
    assert client.session["n"] == 1


def test_a_session_that_ended_meanwhile(client: Client, answers_with: Any) -> None:
    """SessionMiddleware has an answer to that."""

    def view(request: HttpRequest) -> HttpResponse:
        request.session["a"] = 1
        Session.objects.all().delete()
        return HttpResponse()

    answers_with(lambda request: request.session.create() or HttpResponse())
    client.get("/")
    answers_with(view)
    assert client.get("/").status_code == 400


# --- Template responses -------------------------------------------------------------------------


class OwnResponse(TemplateResponse):
    """A theme's."""

    status_code = 202

    @property
    def rendered_content(self) -> str:
        return f"<theme>{super().rendered_content}</theme>"


def change_template(get_response: Any) -> Any:
    """Template response middleware."""

    class Middleware:
        def __call__(self, request: HttpRequest) -> Any:
            return get_response(request)

        def process_template_response(self, request: HttpRequest, response: Any) -> Any:
            assert isinstance(response, TemplateResponse)
            assert not response.is_rendered
            response.template_name = page("changed {{ a }} {{ b }}")
            response.context_data["b"] = 2
            response["X-Changed"] = "yes"
            response.set_cookie("changed", "yes")
            return response

    return Middleware()


def test_template_response_middleware_still_changes_it(
    client: Client, answers_with: Any, settings: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, f"{__name__}.change_template"]
    answers_with(lambda request: OwnResponse(request, page("{{ a }}"), {"a": 1}))
    response = client.get("/")
    assert response.content == b"<theme>changed 1 2</theme>"
    assert response["X-Changed"] == "yes"
    assert response.cookies["changed"].value == "yes"


def test_the_result_is_the_response_of_the_view(client: Client, answers_with: Any) -> None:
    """Its class, its status and its callbacks are its own, and nothing was added to it."""
    made = []

    def view(request: HttpRequest) -> HttpResponse:
        response = OwnResponse(request, page("x"), {})
        response.add_post_render_callback(made.append)
        made.append(response)
        made.append(set(vars(response)))
        return response

    answers_with(view)
    response = client.get("/")
    mine, attributes, called_back = made
    assert response is mine
    assert called_back is mine
    assert type(response) is OwnResponse
    assert response.status_code == 202
    by_django = {"_resource_closers", "_charset", "_reason_phrase"}
    by_the_test_client = {
        *("client", "request", "templates", "context", "json", "resolver_match", "exc_info"),
        "wsgi_request",
    }
    assert set(vars(response)) - attributes <= by_django | by_the_test_client


def test_it_can_be_pickled_once_rendered() -> None:
    """As caches of whole pages do."""
    request = RequestFactory().get("/")
    guarded = answer_outages(lambda request: OwnResponse(request, page("x")))(request)
    assert isinstance(guarded, GuardedResponse)
    assert pickle.loads(pickle.dumps(guarded.render())).content == b"<theme>x</theme>"
    assert guarded.is_rendered
    assert guarded.render().content == b"<theme>x</theme>"


def test_a_response_that_is_rendered_already_is_left_alone() -> None:
    request = RequestFactory().get("/")
    for response in (HttpResponse("x"), TemplateResponse(request, page("x")).render()):
        assert answer_outages(lambda request, response=response: response)(request) is response


# --- Sessions -----------------------------------------------------------------------------------


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
    client: Client, answers_with: Any, expiry: Any
) -> None:
    answers_with(lambda request: request.session.set_expiry(expiry) or HttpResponse())
    cookie = client.get("/").cookies[COOKIE]
    if expiry == 0:
        assert (cookie["max-age"], cookie["expires"]) == ("", "")
    else:
        assert cookie["max-age"] in {89, 90}
        ends = parsedate_to_datetime(cookie["expires"]).timestamp()
        assert abs(ends - time.time() - 90) < 5


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
