"""Visitors create an account, which is made when their address is confirmed by a code."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db.models import NOT_PROVIDED
from django.test import Client

from swap_user.otp import address_verified_at, send_code
from swap_user.otp.accounts.address_claim import AddressClaim
from swap_user.otp.views import SignUpForm
from swap_user.testing import MemoryOTPSender, outbox
from tests.clock import Clock
from tests.otp.pages.login.helpers import field, text, wrong
from tests.support import configure, enter, make_user, use_policy, username, visitor

pytestmark = [pytest.mark.django_db]

SIGN_UP, LOGIN = "/account/sign-up/", "/account/login/"


@pytest.fixture(autouse=True)
def _switched_on(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=True)


@pytest.fixture
def client() -> Client:
    return Client()


def users() -> Any:
    return get_user_model()._default_manager


def begin(client: Client, number: int = 1, **data: str) -> str:
    """The first step; the code comes back."""
    before = len(outbox)
    response = client.post(SIGN_UP, {"username": username(number), **data})
    assert response.status_code == 302, response.context["form"].errors
    assert response["Location"].startswith(SIGN_UP)
    assert len(outbox) == before + 1
    return outbox[-1].otp


def test_off_by_default(client, settings):
    """The page does not exist, and no link leads there."""
    configure(settings, OTP_SIGN_UP=False)
    assert client.get(SIGN_UP).status_code == 404
    assert client.post(SIGN_UP, {"username": username()}).status_code == 404
    assert SIGN_UP not in client.get(LOGIN).content.decode()


def test_the_account_is_made_when_the_code_is_confirmed(client):
    """Not before. The user is logged in, by a code."""
    assert SIGN_UP in client.get(LOGIN).content.decode()
    assert client.get(SIGN_UP).status_code == 200
    code = begin(client)
    assert (outbox[-1].receiver, outbox[-1].kwargs["purpose"]) == (username(), "sign-up")
    assert not users().exists()
    assert username() in text(client.get(SIGN_UP))
    key = client.session.session_key
    response = client.post(SIGN_UP, {"otp": code})
    assert response["Location"] == "/account/sign-in-methods/"
    user = users().get()
    assert not user.is_staff
    assert not user.is_superuser
    assert address_verified_at(user)
    assert client.session["_auth_user_id"] == str(user.pk)
    assert client.session.session_key != key
    page = client.get("/account/sign-in-methods/add/")
    assert page.status_code == 200, "the login is recent"


def test_the_next_login(client):
    """Is one as any other."""
    client.post(SIGN_UP, {"otp": begin(client)})
    client.post("/account/logout/")
    request = visitor()
    send_code(request, username())
    assert enter(request, outbox[-1].otp) == users().get()


def test_no_alarm_at_the_first_login(client):
    """The owner is just there. The browser is known afterwards."""
    client.post(SIGN_UP, {"otp": begin(client)})
    assert not outbox.notices
    assert users().get().otp_known_browsers.count() == 1


def test_next(client):
    """It is kept through both steps, if it is of this site."""
    for given, expected in (("/cart/", "/cart/"), ("https://evil.example/", "/account/sign-in-")):
        visitor = Client()
        number = 1 + users().count()
        page = visitor.get(f"{LOGIN}?next={given}").content.decode()
        assert ("sign-up/?next=/cart/" in page) == (given == "/cart/")
        response = visitor.post(SIGN_UP, {"username": username(number), "next": given})
        assert ("next=/cart/" in response["Location"]) == (given == "/cart/")
        response = visitor.post(SIGN_UP, {"otp": outbox[-1].otp, "next": given})
        assert response["Location"].startswith(expected)


@pytest.mark.requirement("R32")
def test_an_address_that_has_an_account(client):
    """The answers are the same. Its owner gets a message that says so, without a code."""
    owner = make_user(2)
    begin(client, 1)
    other = Client()
    response = other.post(SIGN_UP, {"username": username(2)})
    assert response["Location"] == SIGN_UP
    assert shown(client, 1) == shown(other, 2)
    assert len(outbox) == 1
    notice = outbox.notices[-1]
    assert notice.user == owner
    assert "You have an account already" in notice.text
    assert "That code did not work" in text(other.post(SIGN_UP, {"otp": "12345678"}))
    assert users().count() == 1


def shown(client: Client, number: int) -> str:
    page = re.sub(r'value="[A-Za-z0-9]{64}"', "", text(client.get(SIGN_UP)))
    return page.replace(username(number), "…")


@pytest.mark.requirement("R32")
def test_an_inactive_account(client):
    """The same answer, no message, and no second account."""
    make_user(1, is_active=False)
    response = client.post(SIGN_UP, {"username": username()})
    assert response["Location"] == SIGN_UP
    assert not outbox
    assert not outbox.notices


def test_created_meanwhile(client):
    """The code is right, but there is an account now: the login page says so."""
    code = begin(client)
    make_user()
    response = client.post(SIGN_UP, {"otp": code}, follow=True)
    assert "There is an account with this address already" in text(response)
    assert "_auth_user_id" not in client.session
    assert users().count() == 1


def test_a_wrong_code(client):
    """Nothing is created."""
    code = begin(client)
    response = client.post(SIGN_UP, {"otp": wrong(code)})
    assert "That code did not work" in text(response)
    assert not users().exists()


@pytest.mark.requirement("R17")
def test_five_wrong_codes(client):
    """Then the right one is refused, too."""
    code = begin(client)
    for _ in range(5):
        client.post(SIGN_UP, {"otp": wrong(code)})
    assert "Too many wrong codes" in text(client.post(SIGN_UP, {"otp": code}))
    assert not users().exists()


@pytest.mark.requirement("R23")
def test_another_session(client):
    """The code is of no use there."""
    code = begin(client)
    other = Client()
    assert other.post(SIGN_UP, {"otp": code}).status_code == 302
    begin(other)
    assert "That code did not work" in text(other.post(SIGN_UP, {"otp": code}))
    assert not users().exists()


def test_a_code_of_a_sign_up_is_none_of_a_change(client):
    """The purposes differ, so do the codes."""
    keys = {AddressClaim(*each).key for each in (("change", "a"), ("sign-up", "a"))}
    assert len(keys) == 2


def test_an_expired_code(client, clock):
    """Begin again, with what was entered."""
    code = begin(client)
    clock.shift(301)
    response = client.post(SIGN_UP, {"otp": code}, follow=True)
    assert "That took too long" in text(response)
    assert field(response, "username")["value"] == username()
    assert not users().exists()


def test_another_message(client, clock):
    """With the same code, after the interval."""
    code = begin(client)
    assert "You can ask for another code" in text(client.post(SIGN_UP, follow=True))
    clock.shift(31)
    assert "on its way" in text(client.post(SIGN_UP, follow=True))
    assert [each.otp for each in outbox] == [code, code]


@pytest.mark.requirement("R47")
def test_messages_to_an_address_are_few(clock):
    """Five a day, from wherever. Later messages are not sent, and the page is the same."""
    for number in range(8):
        other = Client(REMOTE_ADDR=f"198.51.{number}.7")
        assert other.post(SIGN_UP, {"username": username()})["Location"] == SIGN_UP
    assert len(outbox) == 5


@pytest.mark.requirement("R47")
def test_all_messages_are_limited(settings):
    """A flood of sign-ups costs no more than the site has chosen. Logins go on."""
    configure(settings, OTP_SIGN_UP=True, OTP_LIMITS={"unknown_messages_per_site": "4/1d"})
    owner = make_user(99)
    for number in range(1, 9):
        other = Client(REMOTE_ADDR=f"198.51.{number}.7")
        other.post(SIGN_UP, {"username": username(number)})
    assert len(outbox) == 4  # a fifth of four is less than one
    request = visitor()
    send_code(request, username(99))
    assert enter(request, outbox[-1].otp, username(99)) == owner


def test_a_flood_at_an_owner(settings):
    """Is charged as other messages that strangers cause."""
    make_user()
    for number in range(1, 40):
        other = Client(REMOTE_ADDR=f"198.51.100.{number}")
        other.post(SIGN_UP, {"username": username()})
    assert len(outbox.notices) == 5


def test_who_is_logged_in(client):
    """Needs no account."""
    client.post(SIGN_UP, {"otp": begin(client)})
    for response in (client.get(SIGN_UP), client.post(SIGN_UP, {"username": username(5)})):
        assert response["Location"] == "/account/sign-in-methods/"
    assert users().count() == 1


@pytest.mark.parametrize("typed", ["", "nobody", "\x00", "x" * 300])
def test_what_is_no_address(client, typed):
    """A form error."""
    if get_user_model().USERNAME_FIELD == "username":
        pytest.skip("such a username may be anything")
    response = client.post(SIGN_UP, {"username": typed})
    assert response.status_code == 200
    assert response.context["form"].errors["username"]
    assert not outbox


def test_redis_away(client, settings, tmp_path):
    """503 in both steps."""
    begin(client)
    location = f"unix://{tmp_path}/no-server"
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": location}}
    assert client.post(SIGN_UP, {"otp": "12345678"}).status_code == 503
    response = client.post(SIGN_UP, {"username": username(2)})
    assert response.status_code == 503
    assert field(response, "username")["value"] == username(2)


class ShopSignUpForm(SignUpForm):
    """Asks for a name and consent."""

    first_name = forms.CharField(max_length=20)
    terms = forms.BooleanField(label="I accept the terms")


class ClosedSignUpForm(SignUpForm):
    """Staff activates new users."""

    def create_user(self, address: str) -> Any:
        user = super().create_user(address)
        user.is_active = False
        user.save()
        return user


def test_a_form_of_the_project(client, settings):
    """Its fields are asked, kept until the code is right, and saved."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.ShopSignUpForm")
    page = client.get(SIGN_UP)
    assert "I accept the terms" in text(page)
    response = client.post(SIGN_UP, {"username": username(), "first_name": "Zoë"})
    assert response.context["form"].errors["terms"]
    assert not outbox
    code = begin(client, first_name="Zoë", terms="on")
    page = client.get(f"{SIGN_UP}?new")
    assert field(page, "first_name")["value"] == "Zoë"
    client.post(SIGN_UP, {"otp": code})
    user = users().get()
    if hasattr(user, "first_name"):
        assert user.first_name == "Zoë"


def test_what_the_first_step_said_counts(client, settings):
    """Fields beside the code are not looked at."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.ShopSignUpForm")
    code = begin(client, first_name="Zoë", terms="on")
    client.post(SIGN_UP, {"otp": code, "first_name": "Mallory", "is_staff": "on"})
    user = users().get()
    assert getattr(user, "first_name", "Zoë") == "Zoë"
    assert not user.is_staff


@pytest.mark.parametrize("extra", [{"is_staff": "on"}, {"is_superuser": "1"}, {"id": "7"}])
def test_fields_that_the_form_does_not_have(client, extra):
    """Are not saved."""
    client.post(SIGN_UP, {"otp": begin(client, **extra)})
    user = users().get()
    assert not user.is_staff
    assert not user.is_superuser


def test_staff_activates_new_users(client, settings):
    """The account is there, but nobody is logged in."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.ClosedSignUpForm")
    response = client.post(SIGN_UP, {"otp": begin(client)}, follow=True)
    assert "You can log in when it is activated" in text(response)
    assert "_auth_user_id" not in client.session
    assert not users().get().is_active


# Checks


def found() -> list[str]:
    return [each.id for each in run_checks() if each.id.startswith("swap_user.E02")]


def test_no_complaint():
    assert found() == []


@pytest.mark.parametrize("value", ["no.such.Form", "django.forms.Form", f"{__name__}.Client"])
def test_a_form_that_does_not_fit(settings, value):
    configure(settings, OTP_SIGN_UP=value)
    assert found() == ["swap_user.E022"]


def test_addresses_elsewhere(settings):
    configure(settings, OTP_SENDER_CLASS=f"{__name__}.ElsewhereSender")
    assert found() == ["swap_user.E023"]


class ElsewhereSender(MemoryOTPSender):
    """Its addresses are in another table."""

    def get_receiver(self, user):
        return f"user-{user.pk}@elsewhere.example"


def test_a_policy_with_a_password(settings):
    if not any(each.name == "password" for each in get_user_model()._meta.fields):
        pytest.skip("no passwords")
    use_policy(settings, "Both")
    assert found() == ["swap_user.E023"]


def test_a_required_field(settings, monkeypatch):
    monkeypatch.setattr(get_user_model()._meta.get_field("is_staff"), "default", NOT_PROVIDED)
    assert found() == ["swap_user.E024"]
    configure(settings, OTP_SIGN_UP=f"{__name__}.ClosedSignUpForm")
    assert found() == []


@pytest.mark.parametrize("value", [1, "", None, ["x"]])
def test_a_value_of_another_type(settings, value):
    configure(settings, OTP_SIGN_UP=value)
    assert any("OTP_SIGN_UP" in each.msg for each in run_checks())
