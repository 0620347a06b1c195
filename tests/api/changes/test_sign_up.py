"""Visitors create an account through the API, which is made when their address is confirmed."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group

from swap_user.otp import address_verified_at
from swap_user.otp.views import SignUpForm
from swap_user.testing import outbox
from tests.api.changes.conftest import is_in
from tests.api.conftest import sent_code
from tests.clock import Clock
from tests.otp.pages.addresses.test_sign_up_conflicts import IN_USE, Refused
from tests.otp.pages.login.helpers import wrong
from tests.support import configure, make_user, use_policy, username

pytestmark = pytest.mark.django_db

REFUSED = f"{Refused.__module__}.Refused"


class Terms(SignUpForm):
    """Fields that are no texts."""

    terms = forms.BooleanField()
    age = forms.IntegerField(min_value=18)
    colors = forms.MultipleChoiceField(choices=[("r", "red"), ("g", "green")], required=False)

    def create_user(self, address: str) -> Any:
        Group.objects.create(name="{terms} {age} {colors}".format(**self.cleaned_data))
        return super().create_user(address)


@pytest.fixture(autouse=True)
def _switched_on(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=True)


def users() -> Any:
    return get_user_model()._default_manager


def begin(api: Any, number: int = 1, **fields: Any) -> Any:
    """The first step."""
    members = {"fields": fields} if fields else {}
    return api.post("sign-up/", username=username(number), **client_members(api), **members)


def confirm(api: Any, otp: str | None = None) -> Any:
    """The second step, with the code of the last message or another one."""
    return api.post("sign-up/confirm/", otp=otp or sent_code(), **client_members(api))


def client_members(api: Any) -> dict[str, str]:
    """Return who the client is, for an app."""
    return api.client_members() if hasattr(api, "client_members") else {}


def is_out(api: Any) -> bool:
    """Return whether a client is not logged in. An app is, if it has a token."""
    return not api.token if hasattr(api, "token") else not is_in(api)


def errors(response: Any) -> dict[str, str]:
    """Return the texts of the errors, by their pointers."""
    assert (response.status_code, response.json()["code"]) == (400, "invalid"), response.content
    return {each["pointer"]: each["detail"] for each in response.json()["errors"]}


def test_off_by_default(api: Any, settings: Any) -> None:
    configure(settings, OTP_SIGN_UP=False)
    assert begin(api).status_code == 404
    assert confirm(api, "12345678").status_code == 404
    assert outbox == []


def test_account_is_made_when_the_code_is_confirmed(api: Any) -> None:
    """Not before. The user is logged in, by a code."""
    asked = begin(api)
    assert (asked.status_code, asked.json()["expires_in"]) == (202, 300)
    assert (outbox[-1].receiver, outbox[-1].kwargs["purpose"]) == (username(), "sign-up")
    assert not users().exists()
    confirmed = confirm(api)
    assert confirmed.status_code == 200
    user = users().get()
    assert confirmed.json()["user"] == {"id": str(user.pk), "username": username()}
    assert [*confirmed.json()["factors"]] == ["sent"]
    assert address_verified_at(user)
    assert is_in(api)


@pytest.mark.requirement("R32")
def test_same_answer_if_there_is_an_account(api: Any, user: Any, new_client: Any) -> None:
    """Its owner gets a message, which has no code."""
    known, unknown = begin(api), begin(new_client().start(), 2)
    assert {**known.json(), "flow": ""} == {**unknown.json(), "flow": ""}
    assert known.status_code == unknown.status_code == 202
    assert confirm(api, "12345678").json()["code"] == "invalid_code"
    assert users().count() == 1


def test_repetition_sends_nothing(api: Any, clock: Clock) -> None:
    begin(api)
    assert begin(api).json()["resend_in"] == 30
    assert len(outbox) == 1
    clock.shift(31)
    begin(api)
    assert len(outbox) == 2
    assert confirm(api).status_code == 200


@pytest.mark.requirement("R23")
def test_code_of_another_client(api: Any, new_client: Any) -> None:
    begin(api)
    other = new_client().start()
    begin(other, 2)
    begun = outbox[0].otp
    assert confirm(other, begun).status_code == 400
    assert confirm(api, begun).status_code == 200


def test_wrong_code(api: Any) -> None:
    begin(api)
    refused = confirm(api, wrong(sent_code()))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_code")
    assert confirm(api).status_code == 200


def test_nothing_to_confirm(api: Any, clock: Clock) -> None:
    begin(api)
    clock.shift(301)
    assert confirm(api).json()["code"] == "nothing_to_confirm"


def test_an_account_that_was_made_meanwhile(api: Any) -> None:
    begin(api)
    make_user()
    assert confirm(api).json()["code"] == "username_taken"
    assert is_out(api)


def test_invalid_address(api: Any) -> None:
    refused = api.post("sign-up/", username="x y", **client_members(api))
    assert [*errors(refused)] == ["#/username"]


def test_who_is_logged_in_needs_no_account(member: Any) -> None:
    assert member.post("sign-up/", username=username(2)).json()["code"] == "logged_in"
    assert member.post("sign-up/confirm/", otp="12345678").json()["code"] == "logged_in"


def test_fields_of_the_form(api: Any, settings: Any) -> None:
    """Texts, numbers, true, false and lists."""
    configure(settings, OTP_SIGN_UP=f"{__name__}.Terms")
    missing = errors(begin(api, terms=False, age=17))
    assert {*missing} == {"#/fields/terms", "#/fields/age"}
    assert begin(api, terms=True, age=18, colors=["r", "g"]).status_code == 202
    assert confirm(api).status_code == 200
    assert Group.objects.get().name == "True 18 ['r', 'g']"


@pytest.mark.parametrize("fields", ["text", ["name"], {"name": None}, {"name": {}}, {"name": [1]}])
def test_fields_that_no_form_has(api: Any, fields: Any) -> None:
    members = {"username": username(), "fields": fields}
    assert "#/fields" in errors(api.post("sign-up/", **members, **client_members(api)))


def test_too_much(api: Any, settings: Any) -> None:
    configure(settings, OTP_SIGN_UP=REFUSED)
    assert "#/fields" in errors(begin(api, name="x" * 2000))
    assert outbox == []


def test_correction_needs_no_other_code(api: Any, settings: Any) -> None:
    """A value that another user has: the address stays confirmed, in this flow."""
    configure(settings, OTP_SIGN_UP=REFUSED)
    Group.objects.create(name="taken")
    begin(api, name="taken")
    assert errors(confirm(api)) == {"#/fields": IN_USE}
    assert not users().exists()
    assert errors(begin(api, name="odd"))["#/fields/name"] == "This is odd."
    created = begin(api, name="free")
    assert (created.status_code, created.json()["user"]["username"]) == (200, username())
    assert len(outbox) == 1
    assert is_in(api)


def test_correction_with_another_address(api: Any, settings: Any) -> None:
    """It has to be confirmed, too."""
    configure(settings, OTP_SIGN_UP=REFUSED)
    begin(api, name="odd")
    errors(confirm(api))
    assert begin(api, 2, name="free").status_code == 202
    assert len(outbox) == 2
    assert confirm(api).json()["user"]["username"] == username(2)


@pytest.mark.requirement("R6")
def test_correction_in_a_copy_of_the_flow(api: Any, settings: Any, new_client: Any) -> None:
    """A confirmation makes one account only, whatever the address of the second one."""
    if not hasattr(api, "flow"):
        pytest.skip("a browser has no copy of its session")
    configure(settings, OTP_SIGN_UP=REFUSED)
    begin(api, name="odd")
    errors(confirm(api))
    copy = new_client(flow=api.flow)
    assert begin(api, name="free").status_code == 200
    users().all().delete()
    assert begin(copy, name="other").status_code == 202


@pytest.mark.user_model("password")
def test_policy_needs_more(api: Any, settings: Any) -> None:
    """The account is created, and the user logs in then."""
    use_policy(settings, "Both")
    begin(api)
    created = confirm(api)
    assert (created.status_code, created.json()) == (201, {"may_log_in": True})
    assert is_out(api)


def test_account_that_staff_must_activate(api: Any, monkeypatch: Any) -> None:
    is_active = get_user_model()._meta.get_field("is_active")
    monkeypatch.setattr(is_active, "_get_default", lambda: False)
    begin(api)
    created = confirm(api)
    assert (created.status_code, created.json()) == (201, {"may_log_in": False})
    assert is_out(api)
