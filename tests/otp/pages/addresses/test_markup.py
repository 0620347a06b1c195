"""The markup of the pages on which an address is confirmed: fields, focus, titles and nonces."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django import forms
from django.http import HttpRequest
from django.test import Client

from swap_user.otp.delivery import not_me
from swap_user.otp.views import SignUpForm
from swap_user.testing import log_in
from tests.clock import Clock
from tests.otp.pages.login.helpers import text
from tests.support import configure, make_user, username

pytestmark = pytest.mark.django_db

SIGN_UP = "/account/sign-up/"

CHANGES = ["/account/change-username/", "/admin/change-username/"]


class Form(SignUpForm):
    """A form with widgets that need markup of their own."""

    nickname = forms.CharField(label="What we call you", required=False, help_text="<b>Short</b>")
    letters = forms.ChoiceField(
        label="Letters", choices=[("y", "Yes"), ("n", "No")], widget=forms.RadioSelect
    )
    terms = forms.BooleanField(label="I accept the terms", help_text="They are short.")


class NicknameFirst(Form):
    field_order = ["nickname"]


@pytest.fixture(autouse=True)
def _switched_on(settings: Any, clock: Clock) -> None:
    configure(settings, OTP_SIGN_UP=f"{__name__}.Form")


def labels(page: str) -> list[str]:
    """The names of the fields, in the order of the page."""
    found = re.findall(r'<(?:input|select|textarea)[^>]* name="([^"]+)"', page)
    return [name for name in dict.fromkeys(found) if name not in {"csrfmiddlewaretoken", "next"}]


def focused(page: str) -> list[str]:
    """The names of the fields with the attribute autofocus."""
    return re.findall(r'<input[^>]* name="([^"]+)"[^>]* autofocus', page)


def test_the_address_comes_first_unless_the_form_says_otherwise(client, settings):
    """And the first field has the focus, whichever it is."""
    page = client.get(SIGN_UP).content.decode()
    assert labels(page) == ["username", "nickname", "letters", "terms"]
    assert focused(page) == ["username"]
    configure(settings, OTP_SIGN_UP=f"{__name__}.NicknameFirst")
    page = client.get(SIGN_UP).content.decode()
    assert labels(page)[0] == "nickname"
    assert focused(page) == ["nickname"]


def test_the_first_field_with_an_error_has_the_focus(client):
    """The visitor need not look for it."""
    data = {"username": username(), "letters": "n"}
    page = client.post(SIGN_UP, data).content.decode()
    assert focused(page) == ["terms"]
    page = client.post(SIGN_UP, data | {"username": ""}).content.decode()
    assert focused(page) == ["username"]


def test_a_checkbox_is_labelled_and_described(client):
    """Its label comes after it. Its help and its error are in the page under their ids."""
    page = client.post(SIGN_UP, {"username": username()}).content.decode()
    (box,) = re.findall(r'<input type="checkbox"[^>]*>', page)
    assert f'{box}<label for="id_terms">I accept the terms</label>' in page
    (ids,) = re.findall(r'aria-describedby="([^"]+)"', box)
    assert "id_terms_helptext" in ids
    assert all(f'id="{each}"' in page for each in ids.split())


def test_a_choice_is_a_group(client):
    """Its label is the legend; no label points to a field that does not exist."""
    page = client.get(SIGN_UP).content.decode()
    assert re.search(r"<fieldset[^>]*>\s*<legend>Letters</legend>", page)
    targets = re.findall(r'<label for="([^"]+)"', page)
    assert len(targets) == 5
    assert all(f'id="{target}"' in page for target in targets)


def test_what_can_be_left_empty_says_so(client):
    """A checkbox says it by itself. HTML in a help text stays text."""
    page = client.get(SIGN_UP).content.decode()
    assert re.findall(r"<label for=\"(\w+)\">[^<]*<span[^>]*>\(optional\)", page) == ["id_nickname"]
    assert "&lt;b&gt;Short&lt;/b&gt;" in page


def test_every_step_has_its_title(client):
    """A screen reader reads it first."""
    assert "<h1>Create an account</h1>" in client.get(SIGN_UP).content.decode()
    client.post(SIGN_UP, {"username": username(), "letters": "n", "terms": "on"})
    assert "<h1>Confirm your address</h1>" in client.get(SIGN_UP).content.decode()
    assert "<h1>Create an account</h1>" in client.get(f"{SIGN_UP}?new").content.decode()


@pytest.mark.parametrize("url", CHANGES)
def test_every_step_of_a_change_has_its_title(client, url):
    log_in(client, make_user(2, is_staff=True))
    assert "<h1>Change where codes are sent</h1>" in client.get(url).content.decode()
    client.post(url, {"username": username(3)})
    page = client.get(url)
    assert "<h1>Confirm your new address</h1>" in page.content.decode()
    assert f"{username(3)}" in text(page)
    assert f"<bdi>{username(3)}</bdi>" in page.content.decode()


def with_nonce(request: HttpRequest) -> dict[str, str]:
    """The context processor of Django 6.0, for each version."""
    return {"csp_nonce": "n0nce"}


def test_a_policy_with_nonces(client: Client, settings: Any) -> None:
    """Every file of every page has the nonce, and no page has a style or a script in itself."""
    engine = settings.TEMPLATES[0]
    processors = [*engine["OPTIONS"]["context_processors"], f"{__name__}.with_nonce"]
    options = {**engine["OPTIONS"], "context_processors": processors}
    settings.TEMPLATES = [{**engine, "OPTIONS": options}]
    user = make_user(2, is_staff=True, is_superuser=True)
    roots = ["/account/", "/admin/"]
    tokens = [f"{root}not-me/?token={not_me.sign(user)}" for root in roots]
    undos = [f"{root}change-username/undo/?token=x" for root in roots]
    pages = [client.get(url) for url in (SIGN_UP, *tokens, *undos)]
    client.post(SIGN_UP, {"username": username(), "letters": "n", "terms": "on"})
    pages.append(client.get(SIGN_UP))
    log_in(client, user)
    for url in CHANGES:
        pages.append(client.get(url))
        client.post(url, {"username": username(3)})
        pages.append(client.get(url))
    pages += [client.get(f"/admin/sign-in-methods/users/{user.pk}/{end}") for end in ("", "end/")]
    for page in pages:
        markup = page.content.decode()
        ours = re.findall(r"<(?:link|script)[^>]*/swap_user/[^>]*>", markup)
        assert len(ours) >= 2, page.request["PATH_INFO"]
        assert all('nonce="n0nce"' in tag for tag in ours)
        assert not re.search(r"<style|\sstyle=|\son\w+=|<script>", markup)
