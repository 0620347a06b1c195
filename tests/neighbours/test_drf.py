"""djangorestframework rolls the transaction of a request back when it refuses (R43)."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import authenticate
from django.db import connections
from django.http import HttpRequest
from django.test import Client
from django.urls import path

from swap_user.models import WrongGuess
from swap_user.otp import AnotherCodeNeeded, generate_recovery_codes, send_code
from swap_user.testing import outbox, wait_for_deliveries
from tests.support import configure, give, use_policy, username

rest_framework = pytest.importorskip("rest_framework")

from rest_framework.exceptions import AuthenticationFailed  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.neighbour("djangorestframework"),
]


class CodeView(APIView):
    """Sends a code."""

    authentication_classes: Any = []
    permission_classes: Any = []

    def post(self, request: Any) -> Response:
        send_code(_django(request), username())
        return Response(status=202)


class LoginView(APIView):
    """Checks a code, as people write it."""

    authentication_classes: Any = []
    permission_classes: Any = []

    def post(self, request: Any) -> Response:
        try:
            user = authenticate(
                _django(request), username=request.data["username"], otp=request.data["otp"]
            )
        except AnotherCodeNeeded:
            raise AuthenticationFailed("Another code, please.") from None
        if user is None:
            raise AuthenticationFailed("No.")
        return Response({"user": user.pk})


def _django(request: Any) -> HttpRequest:
    return request._request  # type: ignore[no-any-return]


urlpatterns = [path("code/", CodeView.as_view()), path("login/", LoginView.as_view())]


@pytest.fixture(autouse=True)
def _site(settings, monkeypatch):
    settings.ROOT_URLCONF = __name__
    settings.REST_FRAMEWORK = {"UNAUTHENTICATED_USER": None}
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)


def _log_in(client: Client, otp: str) -> int:
    return client.post("/login/", {"username": username(), "otp": otp}).status_code


@pytest.mark.requirement("R43")
@pytest.mark.user_model("no password")
def test_one_recovery_code_completes_one_login(user, settings):
    """With two codes to show, the first is refused with a rollback: it is used all the same."""
    use_policy(settings, "Both")
    give(user)
    code = generate_recovery_codes(user)[0]
    logins = []
    for _ in range(2):
        client = Client()
        assert client.post("/code/").status_code == 202
        _log_in(client, code)
        logins.append(_log_in(client, outbox[-1].otp))
    assert logins == [200, 403]


@pytest.mark.parametrize("dispatcher", ["Inline", "Thread"])
def test_the_owner_is_told_that_guesses_are_spent(user, settings, notices, dispatcher):
    """The refusal rolls back, and the guess is stored and the notice sent all the same."""
    give(user)
    configure(
        settings,
        OTP_LIMITS={"guesses_per_account": 1},
        OTP_DISPATCHER=f"swap_user.otp.dispatchers.{dispatcher}Dispatcher",
    )
    assert _log_in(Client(), "12345678") == 403
    assert wait_for_deliveries()
    assert WrongGuess.objects.filter(user=user).count() == 1
    assert [told for told, _ in notices] == [user]


@pytest.mark.parametrize("dispatcher", ["Inline", "Thread"])
@pytest.mark.user_model("no password")
def test_the_owner_is_told_of_a_recovery_code(user, settings, notices, dispatcher):
    """The code is used although the request rolls back, so its owner hears of it."""
    use_policy(settings, "Both")
    give(user)
    code = generate_recovery_codes(user)[0]
    assert wait_for_deliveries()
    notices.clear()
    configure(settings, OTP_DISPATCHER=f"swap_user.otp.dispatchers.{dispatcher}Dispatcher")
    client = Client()
    client.post("/code/")
    assert wait_for_deliveries()
    assert _log_in(client, code) == 403
    assert wait_for_deliveries()
    assert [told for told, _ in notices] == [user]
