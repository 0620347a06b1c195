"""The guard around a view: outages are answered, and responses are left as they are."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
import redis
from asgiref.sync import async_to_sync
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.db import OperationalError, models
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.test import AsyncClient, Client, RequestFactory

from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.login.unavailable import GuardedResponse, answer_outages
from tests.otp.pages.login.guarded import (
    assert_unavailable,
    fail,
    page,
)
from tests.otp.pages.sites import neither

# An outage closes the connection, which a test in a transaction could not open again.
pytestmark = [pytest.mark.django_db(transaction=True), neither]

OUTAGES = [OperationalError("gone"), redis.ConnectionError("gone"), LoginUnavailable("gone")]


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
