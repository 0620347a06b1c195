"""JSON web tokens for a code, which end with the session that they name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.test import Client
from django.urls import path

from swap_user.models import LoginSession
from swap_user.otp import end_session, end_sessions, sessions_of
from swap_user.testing import enroll_authenticator, outbox
from tests.support import ask, configure, give, make_user, use_policy, username
from tests.urls import urlpatterns as project_urls

pytest.importorskip("rest_framework_simplejwt")

from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.settings import api_settings
from rest_framework_simplejwt.tokens import AccessToken
from rest_framework_simplejwt.views import TokenObtainPairView, TokenRefreshView

from swap_user.contrib import simplejwt
from swap_user.contrib.simplejwt import (
    CodeTokenObtainPairSerializer,
    RecordedJWTAuthentication,
    RecordedTokenRefreshSerializer,
)
from swap_user.otp.sessions import records

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.neighbour("djangorestframework-simplejwt"),
]


class Private(APIView):
    """Needs a token of a session that is recorded."""

    authentication_classes = (RecordedJWTAuthentication,)
    permission_classes = (IsAuthenticated,)

    def get(self, request: Any) -> Response:
        return Response(str(request.user.pk))


class Unrecorded(Private):
    """Needs a token, whatever became of the session."""

    authentication_classes = (JWTAuthentication,)


urlpatterns = [
    *project_urls,
    path("jwt/", TokenObtainPairView.as_view(serializer_class=CodeTokenObtainPairSerializer)),
    path("jwt/refresh/", TokenRefreshView.as_view(serializer_class=RecordedTokenRefreshSerializer)),
    path("private/", Private.as_view()),
    path("unrecorded/", Unrecorded.as_view()),
]


@pytest.fixture(autouse=True)
def _site(settings: Any) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def user(transactional_db: None) -> Any:
    return make_user()


def obtain(otp: str, client: Client | None = None, **more: str) -> Any:
    """Exchange a code for tokens."""
    body = {"username": username(), "otp": otp, **more}
    return (client or Client()).post("/jwt/", body, content_type="application/json")


def ask_for_flow() -> str:
    """Ask the JSON API for a code, as an app, and return the flow."""
    body = {"username": username(), "client": "app"}
    answer = Client().post("/api/auth/code/", body, content_type="application/json")
    return str(answer.json()["flow"])


def refresh(tokens: dict[str, str]) -> Any:
    """Exchange a refresh token for an access token."""
    body = {"refresh": tokens["refresh"]}
    return Client().post("/jwt/refresh/", body, content_type="application/json")


def get(url: str, token: str) -> int:
    """Return the status of a view that needs a token."""
    return Client().get(url, headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.requirement("R23")
@pytest.mark.parametrize("atomic", [False, True])
def test_an_unbound_code(user: Any, monkeypatch: Any, atomic: bool) -> None:
    """It works once. No cookie is set, and the session is listed."""
    monkeypatch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", atomic)
    code, client = ask(None), Client()
    assert obtain("000000").status_code == 401
    answer = obtain(code, client)
    assert answer.status_code == 200, answer.content
    assert not client.cookies
    assert get("/private/", answer.json()["access"]) == 200
    assert get("/private/", answer.json()["refresh"]) == 401
    assert obtain(code).status_code == 401
    (row,) = sessions_of(user)
    assert row.expires_at - row.created_at == pytest.approx(
        api_settings.REFRESH_TOKEN_LIFETIME, abs=timedelta(seconds=5)
    )


@pytest.mark.requirement("R23", "R53")
def test_a_code_of_a_flow(user: Any) -> None:
    """It works with this flow only."""
    flow, other = ask_for_flow(), ask_for_flow()
    code = outbox[-1].otp
    assert obtain(code).status_code == 401
    assert obtain(code, flow=flow).status_code == 401
    assert obtain(code, flow="no flow").status_code == 400
    assert obtain(code, flow=other).status_code == 200


@pytest.mark.user_model("no password")
@pytest.mark.requirement("R53")
def test_two_codes(user: Any, settings: Any, clock: Any) -> None:
    """The flow goes on after the first one. Without a flow, there is no second step."""
    use_policy(settings, "Both")
    app = enroll_authenticator(user)
    assert obtain(ask(None)).status_code == 401
    flow = ask_for_flow()
    answer = obtain(outbox[-1].otp, flow=flow)
    assert answer.status_code == 409
    assert answer.json()["missing"] == [["authenticator", "recovery"]]
    assert obtain(app.now(), flow=flow).status_code in (401, 409)
    assert obtain(app.now(), flow=answer.json()["flow"]).status_code == 200


@pytest.mark.requirement("R36")
def test_the_end_of_the_session(user: Any) -> None:
    """One session, or all: its tokens, and those that were refreshed with them, end."""
    first, second, third = (obtain(ask(None)).json() for _ in range(3))
    refreshed = Client().post("/jwt/refresh/", {"refresh": first["refresh"]}).json()["access"]
    assert get("/private/", refreshed) == 200
    key = AccessToken(first["access"])[simplejwt.CLAIM]
    end_session(user, LoginSession.objects.get(session_key=key).pk)
    assert [get("/private/", each) for each in (first["access"], refreshed)] == [401, 401]
    assert get("/private/", second["access"]) == 200
    end_sessions(user)
    assert [get("/private/", each["access"]) for each in (second, third)] == [401, 401]
    assert get("/unrecorded/", third["access"]) == 200, "docs: without it, tokens just go on"


def _change_stamp(user: Any) -> None:
    if hasattr(user, "rotate_security_stamp"):
        user.rotate_security_stamp()
    else:
        user.set_password("another-Pass-99")
        user.save()


def _deactivate(user: Any) -> None:
    type(user).objects.update(is_active=False)


def _delete(user: Any) -> None:
    user.delete()


@pytest.mark.requirement("R36")
@pytest.mark.parametrize("end", [_change_stamp, end_sessions, _deactivate, _delete])
def test_what_ends_a_cookie_ends_a_token(user: Any, end: Any) -> None:
    """A new security stamp, or a new password, too. No other access token is given out."""
    tokens = obtain(ask(None)).json()
    assert get("/private/", tokens["access"]) == 200
    assert refresh(tokens).status_code == 200
    end(user)
    for _ in range(2):
        assert get("/private/", tokens["access"]) == 401
        assert refresh(tokens).status_code == 401


def test_a_new_secret_key(user: Any, settings: Any) -> None:
    """With the former one as a fallback, the session keeps its key, and is signed with the new."""
    settings.SIMPLE_JWT = {"SIGNING_KEY": "the-signing-key-of-the-tokens-of-this-test"}
    tokens = obtain(ask(None)).json()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another" * 8
    for _ in range(2):
        assert get("/private/", tokens["access"]) == 200
    assert refresh(tokens).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert get("/private/", tokens["access"]) == 200


@pytest.mark.requirement("R52")
def test_a_token_is_a_use_of_the_session(user: Any, clock: Any) -> None:
    """The list of sessions says when it was."""
    access = obtain(ask(None)).json()["access"]
    (row,) = sessions_of(user)
    records._seen.clear()  # as five minutes later, or in another process
    clock.shift(60)
    assert get("/private/", access) == 200
    (later,) = sessions_of(user)
    assert later.last_seen_at - row.last_seen_at == pytest.approx(
        timedelta(seconds=60), abs=timedelta(seconds=5)
    )
    assert later.expires_at == row.expires_at


def test_the_cost_of_a_token(user: Any, django_assert_num_queries: Any) -> None:
    """One query for the session and one for the user, as with a cookie."""
    access = obtain(ask(None)).json()["access"]
    with django_assert_num_queries(2):
        assert get("/private/", access) == 200


def test_an_outage_of_the_sessions(user: Any, settings: Any, redis_server: Any) -> None:
    """Tokens are not refused for good while the cache with the sessions is away."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    tokens = obtain(ask(None)).json()
    assert get("/private/", tokens["access"]) == 200
    redis_server.stop()
    assert get("/private/", tokens["access"]) == 503
    assert refresh(tokens).status_code == 503


@pytest.mark.requirement("R52")
def test_the_claim_logs_nobody_in(user: Any, settings: Any) -> None:
    """Who reads the token can't use the session as a browser's or as an app's."""
    key = AccessToken(obtain(ask(None)).json()["access"])[simplejwt.CLAIM]
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    assert client.get("/account/sessions/").status_code == 302
    bearer = Client().get("/api/auth/session/", headers={"Authorization": f"Bearer {key}"})
    assert bearer.status_code == 401


def test_another_user_of_the_claim(user: Any) -> None:
    """The session must be that of the user whom the token names."""
    from rest_framework_simplejwt.tokens import RefreshToken

    key = AccessToken(obtain(ask(None)).json()["access"])[simplejwt.CLAIM]
    token = RefreshToken.for_user(make_user(2))
    assert get("/private/", str(token.access_token)) == 401
    token[simplejwt.CLAIM] = key
    assert get("/private/", str(token.access_token)) == 401


def test_an_app_becomes_known(user: Any, notices: Any) -> None:
    """It sends what it got at the last login. The owner is notified of new browsers only."""
    answers = [obtain(ask(None)).json()]
    answers.append(obtain(ask(None), known_browser=answers[0]["known_browser"]).json())
    assert [text for _, text in notices] == []
    obtain(ask(None))
    assert len(notices) == 1


@pytest.mark.requirement("R16")
def test_limits(user: Any, settings: Any) -> None:
    """They are those of the address, with the time to wait."""
    configure(settings, OTP_LIMITS={"guesses_per_address": 1}, OTP_PROXIES=0)
    give(user)
    client = Client(REMOTE_ADDR="203.0.113.7")
    assert obtain("00000000", client).status_code == 401
    answer = obtain("00000000", client)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0


def test_an_outage(user: Any, redis_server: Any) -> None:
    """The answer says so, and when to try again."""
    redis_server.stop()
    answer = obtain("123456")
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")


@pytest.mark.requirement("R14")
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"username": "x"},
        {"username": [], "otp": {}},
        {"username": "x" * 1001, "otp": "123456"},
        {"username": "x", "otp": "1" * 1001},
        {"username": "x", "otp": "123456", "flow": "x" * 4097},
        {"username": "x", "otp": "123456", "known_browser": "x" * 4097},
    ],
    ids=lambda body: "-".join(f"{name}{len(body[name])}" for name in body) or "empty",
)
def test_incomplete_or_too_long(user: Any, body: Any) -> None:
    """As simplejwt answers other mistakes."""
    assert Client().post("/jwt/", body, content_type="application/json").status_code == 400


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("media_type", ["application/json", "application/x-www-form-urlencoded"])
def test_an_error_shows_no_code(user: Any, monkeypatch: Any, media_type: str) -> None:
    """No variable of a frame does, from the serializer on."""

    def fail(*args: Any, **kwargs: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("swap_user.otp.verification.verifier.verify", fail)
    body: Any = {"username": username(), "otp": "48392013"}
    if "json" not in media_type:
        body = f"username={username()}&otp=48392013"
    with pytest.raises(ZeroDivisionError) as raised:
        Client().post("/jwt/", body, content_type=media_type)
    frames = [
        each.frame.f_locals
        for each in raised.traceback
        if "rest_framework" in str(each.path) or "swap_user/" in str(each.path)
    ]
    assert len(frames) > 5
    assert "48392013" not in repr(frames)
