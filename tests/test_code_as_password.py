"""CodeAsPasswordBackend: a code as ``password=``, which never counts as a password."""

from __future__ import annotations

from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import aauthenticate, authenticate, get_user_model, login
from django.contrib.auth.signals import user_login_failed
from django.contrib.auth.views import LoginView
from django.test import Client
from django.urls import path

from swap_user.backends import CodeAsPasswordBackend
from swap_user.models import WrongGuess
from swap_user.otp import generate_recovery_codes, limited, note_password, session_factors
from swap_user.otp.challenges import factors_shown
from swap_user.otp.store import keys
from swap_user.otp.verification import verifier
from swap_user.otp.verification.login import Claim, begin
from swap_user.otp.visitors.visitor import visitor as of_request
from swap_user.testing import enroll_authenticator, outbox
from tests.support import ask, configure, enter, give, make_user, use_policy, username, visitor
from tests.urls import urlpatterns as our_urls

pytestmark = pytest.mark.django_db

OTP = "swap_user.backends.OTPBackend"
MODEL = "django.contrib.auth.backends.ModelBackend"
OURS = "swap_user.backends.CodeAsPasswordBackend"
PASSWORDS = pytest.mark.user_model("password")

urlpatterns = [*our_urls, path("login/", LoginView.as_view(template_name="none.html"))]


@pytest.fixture(autouse=True)
def _backends(settings: Any) -> None:
    settings.AUTHENTICATION_BACKENDS = [OTP, MODEL, OURS]
    settings.ROOT_URLCONF = __name__


def offer(request: Any, password: object, name: str | None = None) -> Any:
    """Offer a text as a password."""
    return authenticate(request, username=name or username(), password=password)


def aoffer(request: Any, password: object, name: str | None = None) -> Any:
    """The same at the asynchronous door."""
    return async_to_sync(aauthenticate)(request, username=name or username(), password=password)


@pytest.mark.parametrize("offered", [offer, aoffer])
def test_every_kind_of_code(user: Any, clock: Any, offered: Any) -> None:
    """A sent code, that of an app and a recovery code. Each works once, and a wrong one never."""
    request = visitor()
    app = enroll_authenticator(user)
    for code in (ask(request), app.now(), generate_recovery_codes(user)[0]):
        assert offered(request, "wrong") is None
        assert offered(request, code) == user
        assert offered(request, code) is None
    assert offered(request, "000000") is None


def test_the_name_of_the_field(user: Any) -> None:
    """Some packages pass the username under its own name."""
    request = visitor()
    given = {get_user_model().USERNAME_FIELD: username(), "password": ask(request)}
    assert authenticate(request, **given) == user


@pytest.mark.requirement("R23")
def test_without_a_session(user: Any) -> None:
    """A code that was asked for without a session works without one, and no other code does."""
    bound = ask(visitor())
    assert offer(None, bound) is None
    assert offer(None, ask(None)) == user


@pytest.mark.requirement("R51")
def test_the_factor_of_the_code_is_recorded(client: Client, staff: Any) -> None:
    """A login by Django's own view: the session shows a sent code, and the OTP admin is open."""
    client.post("/account/login/", {"username": username()})
    answer = client.post("/login/", {"username": username(), "password": outbox[-1].otp})
    assert answer.status_code == 302
    request = visitor()
    request.session, request.user = client.session, staff
    assert [*session_factors(request)] == ["sent"]
    assert client.get("/admin/").status_code == 200


@pytest.mark.requirement("R33")
@pytest.mark.parametrize(
    "text", ["", "pass word", "12345", "12345678901", "correct horse battery staple", None, 7.5]
)
def test_what_can_not_be_a_code(
    user: Any, text: object, caplog: Any, django_assert_num_queries: Any, monkeypatch: Any
) -> None:
    """It is refused at once, for every username: no query, no question to Redis and no log line."""
    monkeypatch.setattr(verifier, "verify", None)
    backend = CodeAsPasswordBackend()
    with django_assert_num_queries(0):
        for name in (username(), username(7), "", None):
            assert backend.authenticate(visitor(), name, text) is None
    assert caplog.text == ""


@pytest.mark.requirement("R16")
def test_limits_are_those_of_codes(user: Any, settings: Any) -> None:
    """A wrong code is charged, and the view can see which limit is reached."""
    configure(settings, OTP_LIMITS={"guesses_per_address": 1}, OTP_PROXIES=0)
    give(user)
    request = visitor(REMOTE_ADDR="203.0.113.7")
    assert offer(request, "00000000") is None
    assert WrongGuess.objects.filter(user=user).count() == 1
    assert offer(request, "00000000") is None
    limit = limited(request)
    assert limit is not None
    assert limit.scope == "address"


def test_a_code_is_checked_once(user: Any) -> None:
    """What OTPBackend checks is not checked, and not charged, a second time."""
    give(user)
    wrong = authenticate(visitor(), username=username(), otp="00000000", password="00000001")
    assert wrong is None
    assert WrongGuess.objects.filter(user=user).count() == 1


# Policies


@pytest.mark.user_model("no password")
def test_a_login_that_needs_two_codes_is_refused(user: Any, clock: Any, settings: Any) -> None:
    """Such packages don't know AnotherCodeNeeded. The code is not consumed."""
    use_policy(settings, "Both")
    request = visitor()
    app = enroll_authenticator(user)
    code = ask(request)
    assert offer(request, code) is None
    assert offer(request, app.now()) is None
    client = Client()
    client.post("/account/login/", {"username": username()})
    client.post("/account/check-otp/", {"otp": outbox[-1].otp})
    assert client.post("/account/check-otp/", {"otp": app.now()}).status_code == 302


@PASSWORDS
@pytest.mark.requirement("R53")
def test_the_password_step_takes_no_code(settings: Any) -> None:
    """On the pages, a code in place of the password is neither accepted nor checked."""
    use_policy(settings, "Both")
    user = make_user(password="unusable")
    user.set_password("a right one")
    user.save()
    client, typed = Client(), {"username": username()}
    code = ask(None)
    for wrong in (code, "00000000"):
        answer = client.post("/account/login/", {**typed, "password": wrong})
        assert answer.status_code == 200
    assert WrongGuess.objects.count() == 0
    use_policy(settings, "AnyCode")
    assert offer(None, code) == user, "the code was consumed by the password step"
    use_policy(settings, "Both")
    assert client.post("/account/login/", {**typed, "password": "a right one"}).status_code == 302


@pytest.mark.requirement("R53")
def test_a_code_is_never_noted_as_a_password(user: Any, caplog: Any) -> None:
    """Views of a project call ``note_password`` with what ``authenticate`` returns."""
    for accepted in (offer, enter):
        request = visitor()
        found = accepted(request, ask(request))
        note_password(found, request)
        assert shown_by(user, request) == frozenset()
    assert caplog.text.count("password not recorded") == 2


def shown_by(user: Any, request: Any) -> frozenset[str]:
    """Return the factors that are stored for the flow of a session."""
    claim = Claim(username(), keys.account_key_of(user), of_request(request), lambda user: True)
    return factors_shown.factors(begin(claim, None).pending.shown, user)


# A password of digits


@PASSWORDS
@pytest.mark.parametrize(
    ("order", "charged"), [([OTP, MODEL, OURS], 0), ([OURS, OTP, MODEL], 1)], ids=["last", "first"]
)
def test_a_password_of_digits(settings: Any, order: list[str], charged: int) -> None:
    """It logs in, as a password. Unless it is checked first, it is charged as a wrong code."""
    settings.AUTHENTICATION_BACKENDS = order
    user = make_user()
    user.set_password("38272910")
    user.save()
    give(user)
    request = visitor()
    found = offer(request, "38272910")
    assert found == user
    assert found.backend == MODEL
    assert WrongGuess.objects.filter(user=user).count() == charged
    login(request, found)
    assert session_factors(request) == {}


# What others see


@pytest.mark.requirement("R41", "R54")
def test_the_code_is_hidden(user: Any, monkeypatch: Any) -> None:
    """Neither receivers of failed logins nor a traceback show it."""
    heard: list[Any] = []

    def hear(sender: object, credentials: Any, **kwargs: Any) -> None:
        heard.append(credentials)

    user_login_failed.connect(hear)
    try:
        assert offer(visitor(), "48392013") is None
    finally:
        user_login_failed.disconnect(hear)
    assert "48392013" not in repr(heard)
    assert username() in repr(heard)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(verifier, "verify", fail)
    with pytest.raises(RuntimeError) as raised:
        CodeAsPasswordBackend().authenticate(visitor(), username(), "48392013")
    frames = [each.frame.f_locals for each in raised.traceback if "backends" in str(each.path)]
    assert len(frames) == 2
    assert "48392013" not in repr(frames)
