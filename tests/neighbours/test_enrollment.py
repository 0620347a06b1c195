"""Users who must enroll an authenticator app, in APIs of other packages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import AsyncClient, Client
from django.urls import path

from swap_user.otp.policies import AnyCode
from swap_user.testing import enroll_authenticator
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.support import ask, username
from tests.urls import urlpatterns as project_urls

pytest.importorskip("rest_framework_simplejwt")
ninja = pytest.importorskip("ninja")

from rest_framework.authentication import SessionAuthentication  # noqa: E402
from rest_framework.decorators import api_view  # noqa: E402
from rest_framework.permissions import IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView  # noqa: E402

from swap_user.contrib.drf import SessionTokenAuthentication  # noqa: E402
from swap_user.contrib.ninja import SessionTokenAuth  # noqa: E402
from swap_user.contrib.simplejwt import (  # noqa: E402
    CodeTokenObtainPairSerializer,
    RecordedJWTAuthentication,
    RecordedTokenRefreshSerializer,
)

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.neighbour("djangorestframework", "djangorestframework-simplejwt", "django-ninja"),
]


class Everyone(AnyCode):
    """Requires an app at once."""

    def must_enroll(self, user: Any) -> Any:
        return True


class Later(AnyCode):
    """Requires an app after a week."""

    def must_enroll(self, user: Any) -> Any:
        return timedelta(days=7)


class View(APIView):
    """Any view that needs a login."""

    authentication_classes: Any = (SessionTokenAuthentication, SessionAuthentication)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Any) -> Response:
        return Response(str(request.user.pk))


class JWTView(View):
    """The same for JSON web tokens."""

    authentication_classes = (RecordedJWTAuthentication,)


@api_view()
def function_view(request: Any) -> Response:
    return Response("")


def django_view(request: Any) -> Any:
    raise NotImplementedError


api = ninja.NinjaAPI(auth=SessionTokenAuth(), urls_namespace="tests-of-enrollment")


@api.get("/sync")
def sync_operation(request: Any) -> str:
    return str(request.user.pk)


@api.get("/async")
async def async_operation(request: Any) -> str:
    return str(request.user.pk)


urlpatterns = [
    *project_urls,
    path("drf/", View.as_view()),
    path("drf/function/", function_view),
    path("drf/logout/", function_view, name="drf-logout"),
    path("django/", django_view),
    path("ninja/", api.urls),
    path("jwt/", TokenObtainPairView.as_view(serializer_class=CodeTokenObtainPairSerializer)),
    path("jwt/refresh/", TokenRefreshView.as_view(serializer_class=RecordedTokenRefreshSerializer)),
    path("jwt/view/", JWTView.as_view()),
]


@pytest.fixture(autouse=True)
def _site(settings: Any, user: Any) -> None:
    settings.ROOT_URLCONF = __name__


def require(settings: Any, policy: type[AnyCode]) -> None:
    """Use a policy that requires an app of every user."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_POLICY_CLASS": f"{__name__}.{policy.__name__}"}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "swap_user.middleware.EnrollmentMiddleware"]


def get(url: str, token: str) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    if url == "/ninja/async":
        return async_to_sync(AsyncClient().get)(url, headers=headers)
    return Client().get(url, headers=headers)


def refused(response: Any) -> bool:
    """Return whether a view of Django REST framework answers with the code of the JSON API."""
    return bool(response.status_code == 403 and response.json()["code"] == "enrollment_needed")


@pytest.mark.parametrize("url", ["/drf/", "/ninja/sync", "/ninja/async"])
def test_session_tokens(settings: Any, user: Any, url: str) -> None:
    """They are refused until the user has an app, and no longer."""
    app = logged_in(AppClient(), sent_code)
    require(settings, Everyone)
    response = get(url, app.token)
    assert response.status_code == 403, response.content
    assert "authenticator app" in response.json()["detail"]
    assert url != "/drf/" or refused(response)
    enroll_authenticator(user)
    assert get(url, app.token).status_code == 200


def test_json_web_tokens(settings: Any, user: Any) -> None:
    """They can be got and refreshed, and are refused until the user has an app."""
    require(settings, Everyone)
    body = {"username": username(), "otp": ask(None)}
    tokens = Client().post("/jwt/", body, content_type="application/json").json()
    again = Client().post("/jwt/refresh/", {"refresh": tokens["refresh"]})
    for access in (tokens["access"], again.json()["access"]):
        assert refused(get("/jwt/view/", access))
    enroll_authenticator(user)
    assert get("/jwt/view/", tokens["access"]).status_code == 200


@pytest.mark.parametrize("url", ["/drf/", "/drf/function/"])
def test_the_cookie_of_a_browser(settings: Any, user: Any, url: str) -> None:
    """With the middleware, views of the framework answer as the JSON API does."""
    require(settings, Everyone)
    browser = logged_in(BrowserClient(), sent_code)
    assert browser.client.get("/django/").status_code == 302
    response = browser.client.get(url)
    assert refused(response)
    assert "no-store" in response["Cache-Control"]
    assert browser.client.get("/drf/logout/").status_code == 200
    assert browser.post("authenticators/").status_code == 201, "the JSON API adds the app"
    enroll_authenticator(user)
    assert browser.client.get(url).status_code == 200


def test_nobody_is_logged_in(settings: Any) -> None:
    """The view decides itself."""
    require(settings, Everyone)
    assert Client().get("/drf/").status_code == 401
    assert Client().get("/drf/function/").status_code == 200


def test_in_the_grace_period(settings: Any) -> None:
    """All views work."""
    require(settings, Later)
    app, browser = (logged_in(each, sent_code) for each in (AppClient(), BrowserClient()))
    for url in ("/drf/", "/ninja/sync", "/ninja/async"):
        assert get(url, app.token).status_code == 200
    assert browser.client.get("/drf/").status_code == 200
