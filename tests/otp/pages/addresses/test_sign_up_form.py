"""What the session keeps of the form for a sign-up, and what becomes of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.template.loader import render_to_string
from django.test import Client
from django.utils.translation import get_language, override

from swap_user.models import Authenticator
from swap_user.otp.accounts import confirmation_job
from swap_user.otp.policies import AnyCode
from swap_user.otp.views import SignUpForm
from swap_user.otp.visitors.entered import MOST_ENTERED
from swap_user.testing import outbox
from tests.clock import Clock
from tests.otp.pages.addresses.test_sign_up import SIGN_UP, begin, users
from tests.otp.pages.login.helpers import text
from tests.support import configure, username

pytestmark = [pytest.mark.django_db]

SIGNED = "django.contrib.sessions.backends.signed_cookies"


class Seen:
    """What a form has been given."""

    data: dict[str, Any] = {}


class WideForm(SignUpForm):
    """Fields of several inputs, with several values, and of any length."""

    born = forms.DateField(widget=forms.SelectDateWidget(years=[1999]))
    at = forms.SplitDateTimeField()
    likes = forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")])
    about = forms.CharField(required=False)

    def create_user(self, address: str) -> Any:
        Seen.data = self.cleaned_data
        return super().create_user(address)


class SecretForm(SignUpForm):
    """Asks for a password."""

    pin = forms.CharField(widget=forms.PasswordInput)


class FileForm(SignUpForm):
    """Asks for a file."""

    photo = forms.FileField(required=False)


class TwoAtOnce(AnyCode):
    """A policy that a new user can't meet with a sent code."""

    def groups(self, user: Any, *, enrolled: bool) -> Any:
        return (frozenset({"sent"}), frozenset({"authenticator"}))


class EnrollAtOnce(AnyCode):
    """A policy that requires an app of all users."""

    def must_enroll(self, user: Any) -> bool:
        return True


WIDE: dict[str, Any] = {
    "born_year": "1999",
    "born_month": "2",
    "born_day": "3",
    "at_0": "2026-01-02",
    "at_1": "03:04",
    "likes": ["a", "b"],
}


@pytest.fixture(autouse=True)
def _switched_on(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=True)


@pytest.fixture
def client() -> Client:
    return Client()


def test_fields_of_several_inputs(client, settings):
    """What was entered in them is still there when the code is confirmed."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.WideForm")
    code = begin(client, **WIDE)
    assert client.post(SIGN_UP, {"otp": code}).status_code == 302
    assert users().count() == 1
    assert (Seen.data["born"].year, Seen.data["at"].minute) == (1999, 4)
    assert Seen.data["likes"] == ["a", "b"]


@pytest.mark.parametrize("extra", [{"about": "x" * MOST_ENTERED}, {"about_x": "x" * MOST_ENTERED}])
def test_too_much(client, settings, extra):
    """Strangers can't fill the sessions. Nothing is sent."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.WideForm")
    response = client.post(SIGN_UP, {"username": username(), **WIDE, **extra})
    assert "too long" in text(response)
    assert not outbox
    assert len(json.dumps(dict(client.session.items()))) < MOST_ENTERED


def test_other_values_of_the_address(client):
    """Only the one that was checked is kept."""
    client.post(SIGN_UP, {"username": ["x" * 100_000, username()]})
    assert len(json.dumps(dict(client.session.items()))) < MOST_ENTERED
    client.post(SIGN_UP, {"otp": outbox[-1].otp})
    assert users().count() == 1


def test_sessions_in_cookies(client, settings):
    """They hold the form, and a copy of the cookie from before is of no use afterwards."""
    settings.SESSION_ENGINE = SIGNED
    configure(settings, OTP_SIGN_UP=f"{__name__}.WideForm")
    code = begin(client, **WIDE, about="é" * 1000)
    before = client.cookies["sessionid"].value
    assert len(before) < 4000
    assert client.post(SIGN_UP, {"otp": code}).status_code == 302
    assert users().count() == 1
    thief = Client()
    thief.cookies["sessionid"] = before
    users().all().delete()
    assert "That code did not work" in text(thief.post(SIGN_UP, {"otp": code}))
    assert not users().exists()


@pytest.mark.parametrize("form", ["SecretForm", "FileForm"])
def test_what_a_session_must_not_keep(settings, form):
    """A password and a file are reported: the form could not be used."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.{form}")
    (found,) = [each for each in run_checks() if each.id == "swap_user.E022"]
    assert ("pin" if form == "SecretForm" else "photo") in found.msg


def test_a_policy_that_asks_for_more(client, settings):
    """The account is created, but a sent code alone logs no user in."""
    configure(settings, OTP_POLICY_CLASS=f"{__name__}.TwoAtOnce")
    response = client.post(SIGN_UP, {"otp": begin(client)}, follow=True)
    assert "Your account was created. Please log in." in text(response)
    assert users().count() == 1
    assert "_auth_user_id" not in client.session


def test_an_app_is_required_at_once(client, settings):
    """The new user is led to the page that adds one, and from there on."""
    configure(settings, OTP_POLICY_CLASS=f"{__name__}.EnrollAtOnce")
    response = client.post(SIGN_UP, {"otp": begin(client), "next": "/cart/"})
    assert response["Location"] == "/account/sign-in-methods/add/?next=/cart/"
    assert "_auth_user_id" in client.session


def test_a_form_that_fails(client, settings, monkeypatch):
    """Nothing is stored, and the code is used: an error must not give a second try."""
    code = begin(client)
    client.raise_request_exception = False

    def fail(self: Any, address: str) -> Any:
        get_user_model()._default_manager.create(**{get_user_model().USERNAME_FIELD: address})
        raise RuntimeError("a bug of the project")

    monkeypatch.setattr(SignUpForm, "create_user", fail)
    assert client.post(SIGN_UP, {"otp": code}).status_code == 500
    monkeypatch.undo()
    assert not users().exists()
    assert not Authenticator.objects.exists()
    assert "That code did not work" in text(client.post(SIGN_UP, {"otp": code}))


def test_the_owner_reads_their_own_language(client, settings, user, monkeypatch):
    """Not that of the visitor, who may be a stranger."""
    settings.LANGUAGE_CODE = "de"
    written = []

    def render(name: str, context: dict[str, Any]) -> str:
        written.append((name, get_language()))
        return render_to_string(name, context)

    monkeypatch.setattr(confirmation_job, "render_to_string", render)
    with override("fr"):
        client.post(SIGN_UP, {"username": username()})
    assert dict(written) == {
        "swap_user/notices/taken_subject.txt": "de",
        "swap_user/notices/taken.txt": "de",
    }
    assert outbox.notices
