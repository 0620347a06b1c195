"""Logins in views of Django REST framework, whose errors roll the transaction back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth import authenticate, login
from django.db import connection
from django.test import Client
from django.urls import path

from swap_user.otp import AnotherCodeNeeded, is_fresh, send_code
from swap_user.testing import enroll_authenticator, outbox
from tests.support import make_user, use_policy, username
from tests.urls import urlpatterns as admin_urls

rest_framework = pytest.importorskip("rest_framework")

from rest_framework.exceptions import APIException, AuthenticationFailed  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.neighbour("djangorestframework"),
    pytest.mark.user_model("no password"),
]


class Conflict(APIException):
    """Another code is needed."""

    status_code = 409


class LoginView(APIView):
    """Sends a code (PUT), and takes one (POST)."""

    authentication_classes = ()
    permission_classes = ()

    def put(self, request: Any) -> Response:
        send_code(request, username())
        return Response()

    def post(self, request: Any) -> Response:
        try:
            user = authenticate(request, username=username(), otp=request.data["otp"])
        except AnotherCodeNeeded as needed:
            raise Conflict from needed
        if user is None:
            raise AuthenticationFailed
        # The request of Django, while the code was checked for the one that wraps it.
        login(request._request, user)
        return Response({"fresh": is_fresh(request._request)})


urlpatterns = [*admin_urls, path("login/", LoginView.as_view())]


@pytest.fixture
def app(settings: Any) -> Iterator[Any]:
    """The app of a superuser, whose requests are transactions; policy "both"."""
    use_policy(settings, "Both")
    settings.ROOT_URLCONF = __name__
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    yield enroll_authenticator(make_user(is_staff=True, is_superuser=True))
    connection.settings_dict["ATOMIC_REQUESTS"] = False


@pytest.mark.requirement("R51", "R53")
@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "signed_cookies"])
def test_two_codes(client: Client, settings: Any, app: Any, engine: str) -> None:
    """The session goes on under a new key after each step, and the login is a proof."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    client.put("/login/")
    keys = [client.cookies["sessionid"].value]
    answer = client.post("/login/", {"otp": outbox[-1].otp})
    assert answer.status_code == 409
    keys.append(client.cookies["sessionid"].value)
    answer = client.post("/login/", {"otp": app.now()})
    assert (answer.status_code, answer.json()) == (200, {"fresh": True})
    keys.append(client.cookies["sessionid"].value)
    assert len(set(keys)) == 3
    assert client.get("/admin/").status_code == 200
