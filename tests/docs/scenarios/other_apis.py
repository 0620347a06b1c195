"""Logins through packages that have an API of their own."""

from __future__ import annotations

import time
from typing import Any
from unittest.mock import ANY

import time_machine

from tests.docs.scenarios.steps import EMAIL, code_mails, mailed, scenario, user_known_by


def _post(path: str, client: Any = None, **data: str) -> Any:
    from django.test import Client

    return (client or Client()).post(path, data, content_type="application/json")


@scenario("apis-drf")
def _rest_framework() -> None:
    from django.test import Client

    user = user_known_by(EMAIL)
    forged = Client(enforce_csrf_checks=True)
    for path in ("/api/code/", "/api/login/"):  # the form of another website
        assert forged.post(path, {"username": EMAIL, "otp": "123456"}).status_code == 403
    assert not code_mails()
    forged.cookies["csrftoken"] = token = "t" * 32  # now it is a page of the site
    for more in ({}, {"content_type": "application/json"}):
        body = {"username": "you@example.com"}
        answer = forged.post("/api/code/", body, headers={"X-CSRFToken": token}, **more)
        assert answer.status_code == 202
    client = Client()
    assert _post("/api/code/", client, username=EMAIL).status_code == 202
    assert _post("/api/login/", username=EMAIL, otp=mailed()).status_code == 403
    answer = _post("/api/login/", client, username=EMAIL, otp=mailed())
    assert answer.json() == {"user": user.pk}
    assert "swap_user_browser" in client.cookies


@scenario("apis-drf-token")
def _rest_framework_without_cookies() -> None:
    user_known_by(EMAIL)
    assert _post("/api/code/", username=EMAIL).status_code == 202
    assert _post("/api/login/", username=EMAIL, otp="000000").status_code == 403
    assert _post("/api/login/", username=EMAIL, otp=mailed()).json()["token"]
    assert _post("/api/login/", username=EMAIL, otp=mailed()).status_code == 403


@scenario("apis-drf-sessions")
def _session_tokens_in_rest_framework() -> None:
    headers = _session_token()
    assert _get("/api/orders/", headers) == (200, {"orders_of": EMAIL})
    assert _get("/api/orders/", {}) == (401, {"detail": ANY})
    assert _pay(headers) == (200, {"paid": True})
    with _later():
        status, problem = _pay(headers)
        assert (status, problem["code"]) == (403, "fresh_login_needed")


@scenario("apis-ninja")
def _session_tokens_in_ninja() -> None:
    headers = _session_token()
    assert _get("/api/orders", headers) == (200, {"orders_of": EMAIL})
    assert _get("/api/orders", {}) == (401, {"detail": ANY})
    assert _pay(headers, "/api/pay") == (200, {"paid": True})
    with _later():
        assert _pay(headers, "/api/pay")[0] == 403


def _session_token() -> dict[str, str]:
    """Return the header of an app in which a user is logged in."""
    from django.test import Client

    user_known_by(EMAIL)
    members = {"username": EMAIL, "client": "app"}
    asked = Client().post("/api/auth/code/", members, content_type="application/json").json()
    made = _post("/api/auth/session/", username=EMAIL, otp=mailed(), flow=asked["flow"]).json()
    return {"Authorization": f"Bearer {made['session_token']}"}


def _get(path: str, headers: dict[str, str]) -> tuple[int, Any]:
    from django.test import Client

    response = Client().get(path, headers=headers)
    return response.status_code, response.json()


def _pay(headers: dict[str, str], path: str = "/api/pay/") -> tuple[int, Any]:
    from django.test import Client

    response = Client().post(path, headers=headers)
    return response.status_code, response.json()


def _later() -> Any:
    """Return a context in which the login was an hour ago."""
    return time_machine.travel(time.time() + 3600)


@scenario("apis-password")
def _code_as_password() -> None:
    from django.test import Client

    user_known_by(EMAIL)
    assert Client().post("/api/code/", {"username": EMAIL}).status_code == 202
    given = {"username": EMAIL, "password": mailed()}
    assert Client().post("/api/token/", given).json()["token"]
    assert Client().post("/api/token/", given).status_code == 400


@scenario("apis-jwt")
def _json_web_tokens() -> None:
    from django.test import Client

    from swap_user.otp import end_sessions

    user = user_known_by(EMAIL)
    asked = {"client": "app", "username": EMAIL}
    answer = Client().post("/api/auth/code/", asked, content_type="application/json")
    flow = answer.json()["flow"]
    tokens = _post("/api/jwt/", username=EMAIL, otp=mailed(), flow=flow).json()
    access = _post("/api/jwt/refresh/", refresh=tokens["refresh"]).json()["access"]

    def me() -> Any:
        return Client().get("/api/me/", headers={"Authorization": f"Bearer {access}"})

    assert me().json() == {"user": user.pk}
    end_sessions(user)
    assert me().status_code == 401
    assert _post("/api/jwt/refresh/", refresh=tokens["refresh"]).status_code == 401
