"""django-cors-headers: a page of another origin logs in by the JSON API."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings as project
from django.test import Client

from swap_user.testing import outbox
from tests.support import username

pytest.importorskip("corsheaders")

pytestmark = [pytest.mark.django_db, pytest.mark.neighbour("django-cors-headers")]

PAGE, STRANGER = "https://app.example.com", "https://evil.example.net"


@pytest.fixture(autouse=True)
def _recipe(settings: Any) -> None:
    """The settings of docs/howto/json-api.md."""
    settings.INSTALLED_APPS = [*project.INSTALLED_APPS, "corsheaders"]
    settings.MIDDLEWARE = ["corsheaders.middleware.CorsMiddleware", *project.MIDDLEWARE]
    settings.CORS_URLS_REGEX = r"^/api/"
    settings.CORS_ALLOWED_ORIGINS = [PAGE]
    settings.CORS_ALLOW_CREDENTIALS = True
    settings.CORS_EXPOSE_HEADERS = ["Retry-After"]
    settings.CSRF_TRUSTED_ORIGINS = [PAGE]


def page(origin: str) -> Client:
    return Client(enforce_csrf_checks=True, HTTP_ORIGIN=origin)


def post(client: Client, path: str, token: str, **members: str) -> Any:
    headers = {"X-CSRFToken": token}
    return client.post(
        f"/api/auth/{path}", members, content_type="application/json", headers=headers
    )


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_preflight_of_the_page(method: str) -> None:
    """The browser may send the method, the header of the CSRF token, and cookies."""
    wanted = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "content-type,x-csrftoken",
    }
    answer = page(PAGE).options("/api/auth/authenticators/", headers=wanted)
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == PAGE
    assert answer["Access-Control-Allow-Credentials"] == "true"
    assert method in answer["Access-Control-Allow-Methods"]
    assert {"content-type", "x-csrftoken"} <= {*answer["Access-Control-Allow-Headers"].split(", ")}


def test_login_of_the_page(user: Any) -> None:
    """With cookies; also the answer of an error can be read."""
    client = page(PAGE)
    refused = client.get("/api/auth/session/")
    assert refused.status_code == 401
    assert refused["Access-Control-Allow-Origin"] == PAGE
    token = refused.json()["csrf_token"]
    assert post(client, "code/", token, username=username()).status_code == 202
    entered = post(client, "session/", token, username=username(), otp=outbox[-1].otp)
    assert entered.status_code == 200
    assert entered["Access-Control-Allow-Credentials"] == "true"
    assert client.get("/api/auth/session/").status_code == 200


def test_page_of_a_stranger(user: Any) -> None:
    """It can read nothing, and can't send anything with the cookies of the user."""
    client = page(PAGE)
    token = client.get("/api/auth/session/").json()["csrf_token"]
    stranger = page(STRANGER)
    stranger.cookies = client.cookies
    assert "Access-Control-Allow-Origin" not in stranger.get("/api/auth/session/")
    answer = post(stranger, "code/", token, username=username())
    assert answer.json()["code"] == "csrf_failed"
    assert not outbox
