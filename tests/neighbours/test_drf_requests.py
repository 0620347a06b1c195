"""The functions of this package take the requests of Django REST framework as well as Django's."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate, login
from django.db import connections
from django.test import Client
from django.urls import path

from swap_user.models import KnownBrowser
from swap_user.otp import (
    is_fresh,
    limited,
    remember_browser,
    send_code,
    session_factors,
    without_session,
)
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.testing import outbox, wait_for_deliveries
from tests.support import configure, make_user, username

pytest.importorskip("rest_framework")

from rest_framework.exceptions import APIException, AuthenticationFailed, Throttled
from rest_framework.parsers import JSONParser
from rest_framework.response import Response
from rest_framework.views import APIView

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.neighbour("djangorestframework"),
]


class LoginView(APIView):
    """Sends a code (PUT), and takes one (POST), with the request of the framework throughout."""

    authentication_classes = ()
    permission_classes = ()
    parser_classes = (JSONParser,)

    def put(self, request: Any) -> Response:
        send_code(self.made(request), request.data["username"])
        return Response(status=202)

    def post(self, request: Any) -> Response:
        made = self.made(request)
        user = authenticate(made, username=request.data["username"], otp=request.data["otp"])
        if user is None:
            if limit := limited(made):
                raise Throttled(wait=limit.retry_in)
            raise AuthenticationFailed
        return self.answer(made, user)

    def made(self, request: Any) -> Any:
        return request

    def answer(self, request: Any, user: Any) -> Response:
        login(request, user)
        response = Response({"fresh": is_fresh(request), "factors": [*session_factors(request)]})
        remember_browser(request, response)
        return response


class TokenView(LoginView):
    """The same for a client that keeps no cookies."""

    def made(self, request: Any) -> Any:
        return without_session(request)

    def answer(self, request: Any, user: Any) -> Response:
        return Response({"user": str(user.pk)})


class FailingView(LoginView):
    """Raises an exception after the login."""

    def answer(self, request: Any, user: Any) -> Response:
        login(request, user)
        raise APIException("Something else went wrong.")


urlpatterns = [
    path("login/", LoginView.as_view()),
    path("token/", TokenView.as_view()),
    path("failing/", FailingView.as_view()),
]


@pytest.fixture(autouse=True, params=[False, True], ids=["autocommit", "atomic"])
def _site(request: Any, settings: Any, monkeypatch: Any) -> None:
    """A site whose requests are transactions, and one whose requests are not."""
    settings.ROOT_URLCONF = __name__
    settings.REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", request.param)


@pytest.fixture(autouse=True)
def _user(_site: None, transactional_db: None) -> Any:
    return make_user()


def ask(client: Client, url: str, **extra: Any) -> str:
    """Ask for a code as JSON, and return it."""
    body = {"username": username()}
    answer = client.put(url, body, content_type="application/json", **extra)
    assert answer.status_code == 202
    return str(outbox[-1].otp)


def enter(client: Client, url: str, otp: str, **extra: Any) -> Any:
    """Enter a code as JSON."""
    body = {"username": username(), "otp": otp}
    return client.post(url, body, content_type="application/json", **extra)


@pytest.mark.requirement("R24", "R51")
def test_a_login_in_a_session() -> None:
    """The code is bound to the session, the login is a proof, and the browser becomes known."""
    client, other = Client(), Client()
    code = ask(client, "/login/")
    assert enter(other, "/login/", code).status_code == 403
    key = client.cookies["sessionid"].value
    answer = enter(client, "/login/", code)
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"fresh": True, "factors": ["sent"]}
    assert client.cookies["sessionid"].value != key
    assert COOKIE in client.cookies
    assert KnownBrowser.objects.count() == 1
    assert enter(Client(), "/login/", code).status_code == 403


@pytest.mark.requirement("R23")
def test_a_login_without_a_session() -> None:
    """The client keeps no cookies, so its code works in any request. No session is begun."""
    code = ask(Client(), "/token/")
    client = Client()
    assert enter(client, "/token/", "000000").status_code == 403
    assert enter(client, "/token/", code).status_code == 200
    assert "sessionid" not in client.cookies
    assert enter(Client(), "/token/", code).status_code == 403


def test_without_a_session_a_browser_has_none() -> None:
    """Even where the client has a session, the code is not bound to it."""
    client = Client()
    bound = ask(client, "/login/")
    unbound = ask(client, "/token/")
    assert enter(client, "/token/", bound).status_code == 403
    assert enter(client, "/login/", bound).status_code == 200
    assert enter(client, "/token/", unbound).status_code == 200


@pytest.mark.requirement("R16")
@pytest.mark.parametrize("url", ["/login/", "/token/"])
def test_a_limit_of_the_address(settings: Any, url: str) -> None:
    """The view can see the limit, which is that of the client's own address."""
    configure(settings, OTP_LIMITS={"guesses_per_address": 1}, OTP_PROXIES=0)
    client, address = Client(), {"REMOTE_ADDR": "203.0.113.7"}
    code = ask(client, url, **address)
    assert enter(client, url, "00000000", **address).status_code == 403
    answer = enter(client, url, code, **address)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert enter(client, url, code, REMOTE_ADDR="198.51.100.7").status_code == 200


@pytest.mark.requirement("R14", "R43")
def test_a_used_code_stays_used() -> None:
    """The view raises an exception after the login: the transaction is rolled back."""
    client = Client()
    code = ask(client, "/login/")
    assert enter(client, "/failing/", code).status_code == 500
    assert wait_for_deliveries()
    assert enter(client, "/login/", code).status_code == 403


def test_a_copy_without_a_session(rf: Any) -> None:
    """The request itself keeps its session, and what was read of its body is not read again."""
    from rest_framework.request import Request

    inner = rf.post("/", {"username": username()}, content_type="application/json")
    inner.session = {}
    outer = Request(inner, parsers=[JSONParser()])
    assert outer.data == {"username": username()}
    for given in (inner, outer):
        made = without_session(given)
        assert not hasattr(made, "session")
        assert made.META["REMOTE_ADDR"] == "127.0.0.1"
    assert hasattr(inner, "session")
    assert without_session(None) is None
