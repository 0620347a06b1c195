"""The session tokens of the JSON API in Django REST framework and in django-ninja."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model
from django.db import connections
from django.test import AsyncClient, Client
from django.urls import path

from swap_user.otp import end_sessions, is_fresh, session_factors
from swap_user.otp.exceptions import LoginUnavailable
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.support import make_user, username
from tests.urls import urlpatterns as project_urls

rest_framework = pytest.importorskip("rest_framework")
ninja = pytest.importorskip("ninja")

from rest_framework.authentication import (  # noqa: E402
    BaseAuthentication,
    SessionAuthentication,
)
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from swap_user.contrib.drf import FreshLogin, SessionTokenAuthentication  # noqa: E402
from swap_user.contrib.ninja import SessionTokenAuth  # noqa: E402

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.neighbour("djangorestframework", "django-ninja"),
]


class OtherTokens(BaseAuthentication):
    """Stands in for a package with tokens of its own."""

    def authenticate(self, request: Any) -> Any:
        if request.headers.get("Authorization") == "Bearer eyJ.of.another":
            return get_user_model().objects.latest("pk"), "other"
        return None


def known(request: Any) -> dict[str, Any]:
    """Return what a view knows about the session."""
    return {
        "user": str(request.user.pk),
        "fresh": is_fresh(request),
        "factors": [*session_factors(request)],
    }


class View(APIView):
    """Any view that needs a login."""

    authentication_classes = (SessionTokenAuthentication, OtherTokens, SessionAuthentication)
    permission_classes: Any = (IsAuthenticated,)

    def get(self, request: Any) -> Response:
        return Response(known(request))

    post = get


class FreshView(View):
    """A view that needs a recent login."""

    permission_classes = (FreshLogin,)


class Recent(FreshLogin):
    """Within a minute."""

    max_age = 60


class RecentView(View):
    """A view that needs a more recent login."""

    permission_classes = (Recent,)


api = ninja.NinjaAPI(auth=SessionTokenAuth(), urls_namespace="tests-of-session-tokens")


@api.get("/sync")
def sync_operation(request: Any) -> dict[str, Any]:
    assert request.auth == request.user
    return known(request)


@api.get("/async")
async def async_operation(request: Any) -> dict[str, Any]:
    assert await request.auser() == request.user
    return {"user": str(request.user.pk), "factors": [*session_factors(request)]}


urlpatterns = [
    *project_urls,
    path("drf/", View.as_view()),
    path("drf/fresh/", FreshView.as_view()),
    path("drf/recent/", RecentView.as_view()),
    path("ninja/", api.urls),
]

# Django runs no async view in a transaction.
VIEWS = [("/drf/", False), ("/drf/", True), ("/ninja/sync", False), ("/ninja/sync", True)]
VIEWS += [("/ninja/async", False)]


@pytest.fixture(autouse=True)
def _site(settings: Any, db: None) -> None:
    """The site with the views above."""
    settings.ROOT_URLCONF = __name__


@pytest.fixture(params=VIEWS, ids=lambda each: f"{each[0]} {'atomic' * each[1]}".strip())
def url(request: Any, monkeypatch: Any) -> str:
    """A view, in a site whose requests are transactions, or not."""
    found, is_atomic = request.param
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", is_atomic)
    return str(found)


@pytest.fixture
def app(user: Any) -> AppClient:
    """An app in which the user is logged in."""
    return logged_in(AppClient(), sent_code)


def get(url: str, token: str, client: Any = None) -> Any:
    """Send a token to a view. If it is accepted, the answer sets no cookie, and depends on none."""
    headers = {"Authorization": f"Bearer {token}"}
    if url == "/ninja/async" and client is None:
        response = async_to_sync(AsyncClient().get)(url, headers=headers)
    else:
        response = (client or Client()).get(url, headers=headers)
    assert not response.cookies
    assert response.status_code != 200 or "Cookie" not in response.get("Vary", "")
    return response


def test_a_session_token(app: AppClient, user: Any, url: str) -> None:
    """The view sees the user, and the session with its factors."""
    response = get(url, app.token)
    assert response.status_code == 200, response.content
    assert response.json()["user"] == str(user.pk)
    assert response.json()["factors"] == ["sent"]
    assert response.json().get("fresh", True) is True


@pytest.mark.parametrize("token", ["", "sut_", "sut_unknown", "sut_ä", "a b", "eyJ.unknown"])
def test_not_a_token(app: AppClient, url: str, token: str) -> None:
    response = get(url, token)
    assert response.status_code == 401, response.content


def test_the_status_and_the_code_of_a_session_that_has_ended(app: AppClient) -> None:
    app.delete("session/")
    response = get("/drf/", app.token)
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "not_authenticated"


def _log_out(app: AppClient, user: Any) -> None:
    assert app.delete("session/").status_code == 204


def _end(app: AppClient, user: Any) -> None:
    end_sessions(user)


def _deactivate(app: AppClient, user: Any) -> None:
    type(user).objects.update(is_active=False)


def _delete(app: AppClient, user: Any) -> None:
    user.delete()


def _rotate(app: AppClient, user: Any) -> None:
    former = app.token
    assert app.post("session/token/").status_code == 200
    assert app.token != former
    app.token = former


@pytest.mark.parametrize("end", [_log_out, _end, _deactivate, _delete, _rotate])
def test_an_end(app: AppClient, user: Any, url: str, end: Any) -> None:
    """What ends a session ends it for these views, too."""
    assert get(url, app.token).status_code == 200
    end(app, user)
    assert get(url, app.token).status_code == 401


def test_a_session_that_is_idle(clock: Any, user: Any, url: str) -> None:
    """Requests of these views prolong a session as those of the API do."""
    app = logged_in(AppClient(), sent_code)
    for _ in range(3):
        clock.shift(timedelta(days=13).total_seconds())
        assert get(url, app.token).status_code == 200
    clock.shift(timedelta(days=15).total_seconds())
    assert get(url, app.token).status_code == 401


def test_no_cookie_counts(app: AppClient, user: Any, url: str) -> None:
    """A token of one user beside the cookie of another one."""
    make_user(2)
    browser = logged_in(BrowserClient(), sent_code, username(2))
    response = get(url, app.token, browser.client)
    assert response.json()["user"] == str(user.pk)
    assert response.json()["factors"] == ["sent"]
    assert browser.get("session/").json()["user"]["username"] == username(2)


def test_no_cookie_is_set_where_each_request_saves_the_session(
    app: AppClient, settings: Any, url: str
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True
    assert get(url, app.token).status_code == 200


def test_other_tokens_are_left_to_the_next_class(user: Any) -> None:
    headers = {"Authorization": "Bearer eyJ.of.another"}
    answer = Client().get("/drf/", headers=headers).json()
    assert answer == {"user": str(user.pk), "fresh": False, "factors": []}


@pytest.mark.requirement("R37")
def test_a_fresh_login(clock: Any, user: Any) -> None:
    """The permission asks for a recent login, and a step-up gives it."""
    app = logged_in(AppClient(), sent_code)
    assert get("/drf/fresh/", app.token).status_code == 200
    clock.shift(61)
    assert get("/drf/fresh/", app.token).status_code == 200
    response = get("/drf/recent/", app.token)
    assert response.status_code == 403
    assert response.json()["code"] == "fresh_login_needed"
    assert response.json()["missing"] == [["authenticator", "recovery", "sent"]]
    clock.shift(3600)
    assert get("/drf/fresh/", app.token).status_code == 403
    app.ask()
    assert app.post("step-up/", otp=sent_code()).status_code == 200
    assert get("/drf/fresh/", app.token).status_code == 200
    assert get("/drf/recent/", app.token).status_code == 200


@pytest.mark.requirement("R37")
def test_a_fresh_login_of_a_browser(clock: Any, user: Any) -> None:
    """The permission works with SessionAuthentication, which checks the CSRF token."""
    browser = logged_in(BrowserClient(), sent_code)
    assert browser.client.get("/drf/fresh/").status_code == 200
    assert browser.client.post("/drf/fresh/").status_code == 403
    assert browser.client.post("/drf/fresh/", headers=browser.headers()).status_code == 200
    clock.shift(3600)
    response = browser.client.get("/drf/fresh/")
    assert (response.status_code, response.json()["code"]) == (403, "fresh_login_needed")


def test_no_login_at_all() -> None:
    for url in ("/drf/", "/drf/fresh/", "/ninja/sync"):
        assert Client().get(url).status_code == 401


def test_an_app_must_be_added(settings: Any, staff: Any) -> None:
    """Without the middleware, it is the permission that refuses the cookie of such a user."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_STAFF_MUST_ENROLL": True}
    browser = logged_in(BrowserClient(), sent_code)
    assert browser.client.get("/drf/").status_code == 200
    response = browser.client.get("/drf/fresh/")
    assert (response.status_code, response.json()["code"]) == (403, "enrollment_needed")


@pytest.mark.requirement("R42")
def test_an_outage(app: AppClient, monkeypatch: Any, url: str) -> None:
    def fail(token: str) -> Any:
        raise LoginUnavailable("The sessions can't be reached.")

    monkeypatch.setattr("swap_user.otp.sessions.app_sessions.load", fail)
    response = get(url, app.token)
    assert response.status_code == 503
    if url == "/drf/":
        assert int(response["Retry-After"]) > 0
        assert response.json()["code"] == "unavailable"


def test_the_cost_of_a_token(app: AppClient, django_assert_num_queries: Any) -> None:
    """One query for the session and one for the user, as with a cookie."""
    get("/drf/", app.token)
    with django_assert_num_queries(2):
        assert get("/drf/", app.token).status_code == 200
