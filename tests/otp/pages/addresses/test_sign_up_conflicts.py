"""A sign-up with a value that another user has already: a name, or a row of another table."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import Group
from django.core.cache import caches
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.test import Client

from swap_user.otp.accounts import confirmation
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.views import SignUpForm
from swap_user.testing import outbox
from tests.clock import Clock
from tests.neighbours.projects import run_project
from tests.otp.pages.addresses.test_at_once import copy_of
from tests.otp.pages.addresses.test_sign_up import SIGN_UP, begin, users
from tests.otp.pages.login.helpers import text
from tests.support import configure, make_user, username
from tests.user_models import UserModel

pytestmark = pytest.mark.django_db

IN_USE = "Something that you entered is in use already."


class Named(SignUpForm):
    """Asks for a name, and stores it in another table, where it is unique."""

    name = forms.CharField(required=False)

    def create_user(self, address: str) -> Any:
        user = super().create_user(address)
        Group.objects.create(name=self.cleaned_data["name"])
        return user


class Refused(Named):
    """Refuses one name by itself."""

    def create_user(self, address: str) -> Any:
        if self.cleaned_data["name"] == "odd":
            raise ValidationError({"name": "This is odd.", "elsewhere": "That is, too."})
        return super().create_user(address)


class Broken(SignUpForm):
    """Leaves out a value that its table needs."""

    def create_user(self, address: str) -> Any:
        Group.objects.create(name=None)


@pytest.fixture(autouse=True)
def _switched_on(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=f"{__name__}.Refused")


@pytest.fixture
def client() -> Client:
    return Client()


def refused(client: Client, name: str = "taken") -> Any:
    """Confirm the address of a form that can't be saved, and return the answer."""
    if name == "taken":
        Group.objects.create(name=name)
    response = client.post(SIGN_UP, {"otp": begin(client, name=name)})
    assert response.status_code == 200
    assert not users().exists()
    return response


def correct(client: Client, number: int = 1, name: str = "free") -> Any:
    return client.post(SIGN_UP, {"username": username(number), "name": name})


def test_a_conflict_is_an_error_of_the_form(client):
    """It does not say that there is an account. Nothing is stored, and no user is logged in."""
    response = refused(client)
    assert response.context["form"].non_field_errors() == [IN_USE]
    assert "account with this address" not in text(response)
    assert "_auth_user_id" not in client.session


def test_a_correction_needs_no_other_code(client):
    """The address stays confirmed in this session, which has got a new key."""
    before = begin(client, name="odd")
    key = client.session.session_key
    client.post(SIGN_UP, {"otp": before})
    assert client.session.session_key != key
    page = client.get(SIGN_UP)
    assert 'value="odd"' in page.content.decode()
    assert "You will be sent a code" not in text(page)
    response = correct(client)
    assert response["Location"] == "/account/sign-in-methods/"
    assert client.session["_auth_user_id"] == str(users().get().pk)
    assert len(outbox) == 1
    assert not [name for name in client.session.keys() if "sign_up" in name]  # noqa: SIM118


def test_the_error_is_at_its_field(client):
    """What the form does not have is an error of the whole form."""
    errors = refused(client, "odd").context["form"].errors
    assert errors == {"name": ["This is odd."], "__all__": ["That is, too."]}


def test_corrected_twice(client):
    """A second correction needs none, either."""
    refused(client)
    assert IN_USE in text(correct(client, name="taken"))
    assert correct(client).status_code == 302
    assert users().count() == 1
    assert len(outbox) == 1


def test_another_address(client):
    """It needs a code."""
    refused(client)
    assert correct(client, 2)["Location"] == SIGN_UP
    assert not users().exists()
    assert outbox[-1].receiver == username(2)
    assert client.post(SIGN_UP, {"otp": outbox[-1].otp}).status_code == 302
    assert UserModel._default_manager.get().get_username() == username(2)


def test_too_late(client, clock):
    """The address counts as confirmed as long as a code works."""
    refused(client)
    clock.shift(301)
    assert correct(client)["Location"] == SIGN_UP
    assert not users().exists()
    assert len(outbox) == 2


def test_in_another_session(client):
    """The address is not confirmed there, nor in a session that was planted."""
    code = begin(client, name="odd")
    planted = client.cookies["sessionid"].value
    client.post(SIGN_UP, {"otp": code})
    other = Client()
    other.cookies["sessionid"] = planted
    for each in (other, Client()):
        correct(each)
        assert not users().exists()


def test_the_code_is_used(client):
    """A second press of the button shows the form again."""
    code = begin(client, name="odd")
    client.post(SIGN_UP, {"otp": code})
    response = client.post(SIGN_UP, {"otp": code}, follow=True)
    assert 'value="odd"' in response.content.decode()
    assert not users().exists()


def test_two_presses(client, monkeypatch):
    """Of two corrections at the same moment, one creates an account. The other needs a code."""
    refused(client)
    other, created = copy_of(client), []

    def create_user(form: SignUpForm, address: str) -> Any:
        created.append(address)
        if len(created) == 1:  # the other request is made and answered while this one works
            assert correct(other)["Location"] == SIGN_UP
        return SignUpForm.create_user(form, address)

    monkeypatch.setattr(Refused, "create_user", create_user)
    assert correct(client)["Location"] == "/account/sign-in-methods/"
    assert created == [username()]
    assert users().count() == 1


def test_a_copy_of_the_cookie(client, settings):
    """A session in a signed cookie can be used again. The address is confirmed for one account."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    refused(client)
    copy = copy_of(client)
    assert correct(client)["Location"] == "/account/sign-in-methods/"
    users().get().delete()
    assert correct(copy)["Location"] == SIGN_UP
    assert not users().exists()


def test_redis_was_emptied(client):
    """Then the address needs another code (R10)."""
    refused(client)
    caches["default"].clear()
    assert correct(client)["Location"] == SIGN_UP
    assert not users().exists()


def test_redis_away_after_the_code(client, monkeypatch):
    """503 with the form. The address is not confirmed."""
    code = begin(client, name="odd")

    def keep(*args: Any) -> None:
        raise LoginUnavailable

    monkeypatch.setattr(confirmation, "keep", keep)
    response = client.post(SIGN_UP, {"otp": code})
    assert response.status_code == 503
    assert 'value="odd"' in response.content.decode()
    correct(client)
    assert not users().exists()


@pytest.mark.requirement("R21")
def test_tries_are_limited(client, settings):
    """Each says whether a value is stored already. A try costs what a request for a code costs."""
    limits = {"asks_per_address": "3/1h"}
    configure(settings, OTP_SIGN_UP=f"{__name__}.Refused", OTP_LIMITS=limits)
    refused(client)
    answers = [IN_USE in text(correct(client, name="taken")) for _ in range(4)]
    assert answers == [True, True, False, False]
    correct(client)
    assert not users().exists()


def test_redis_away(client, redis_away):
    """503, with what was entered."""
    refused(client)
    redis_away()
    response = correct(client)
    assert response.status_code == 503
    assert 'value="free"' in response.content.decode()


def test_an_account_was_created_meanwhile(client):
    """Then the login page says so, as after a right code."""
    refused(client)
    make_user()
    response = client.post(SIGN_UP, {"username": username(), "name": "free"}, follow=True)
    assert "There is an account with this address already" in text(response)
    assert users().count() == 1


def test_another_error_of_the_database(client, settings):
    """It is a bug of the project, which must not look like a mistake of the visitor."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.Broken")
    code = begin(client)
    with pytest.raises(IntegrityError):
        client.post(SIGN_UP, {"otp": code})


SETTINGS = """
ours["INSTALLED_APPS"] = [*ours["INSTALLED_APPS"], "shop"]
ours |= {
    "AUTH_USER_MODEL": "shop.Customer", "ROOT_URLCONF": "shop.urls",
    "SWAP_USER": {**ours["SWAP_USER"], "OTP_SIGN_UP": "shop.forms.Form"},
}
"""

SHOP = {
    "shop/__init__.py": "",
    "shop/models.py": """
from django.db import models
from swap_user.to_email_otp.base_models import AbstractEmailOTPUser

class Customer(AbstractEmailOTPUser):
    nickname = models.CharField(max_length=20, unique=True)
    too_early = 0

    def validate_unique(self, exclude=None):
        if Customer.too_early:  # the other row is stored between this look and the INSERT
            Customer.too_early -= 1
        else:
            super().validate_unique(exclude)
""",
    "shop/forms.py": """
from django import forms
from swap_user.otp.views import SignUpForm

class Form(SignUpForm):
    nickname = forms.CharField()
""",
    "shop/urls.py": """
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("account/", include("swap_user.otp.urls")), path("admin/", admin.site.urls),
]
""",
}

PROGRAM = """
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.test import Client
from django.test.utils import setup_test_environment

setup_test_environment()
call_command("migrate", run_syncdb=True, verbosity=0)
from swap_user.testing import outbox

users, url = get_user_model().objects, "/account/sign-up/"


def sign_up(address, nickname):
    client = Client()
    client.post(url, {"username": address, "nickname": nickname})
    sent = len(outbox)
    answer = client.post(url, {"otp": outbox[-1].otp})
    errors = answer.context["form"].errors if answer.status_code == 200 else {}
    data = {"username": address, "nickname": address[:3]}
    corrected = client.post(url, data)
    nicknames = sorted(users.values_list("nickname", flat=True))
    return [errors, corrected.status_code, len(outbox) - sent, nicknames]


users.create(email="ann@example.com", nickname="ann")
said["taken"] = sign_up("eve@example.com", "ann")
get_user_model().too_early = 1
said["raced"] = sign_up("joe@example.com", "ann")
"""


@pytest.mark.skipif(
    UserModel._meta.label != "swap_to_email_otp.EmailOTPUser", reason="one model is enough"
)
def test_a_unique_field_of_the_user_model(shared_redis):
    """The text is Django's and at the field, also if the other row is stored at that moment."""
    said = run_project(SETTINGS, PROGRAM, SHOP)
    errors, *then = said["taken"]
    (message,) = errors.pop("nickname")
    assert "already exists" in message
    assert (errors, then) == ({}, [302, 0, ["ann", "eve"]])
    errors, *then = said["raced"]
    assert errors == {"nickname": [message]}
    assert then == [302, 0, ["ann", "eve", "joe"]]
