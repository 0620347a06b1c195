"""What the pages on sign-in methods are called, and how their sentences end."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from swap_user.models import Authenticator
from swap_user.otp import generate_recovery_codes
from swap_user.otp.authenticators.secrets import sent_authenticator
from swap_user.testing import log_in
from tests.otp.pages.login.helpers import words
from tests.otp.pages.methods.helpers import METHODS
from tests.support import give, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def row(client: Client) -> Authenticator:
    """An authenticator of a user who is logged in and has used everything in the afternoon."""
    user = make_user(is_staff=True)
    log_in(client, user)
    row = give(user, name="Work phone")
    sent_authenticator(user)
    generate_recovery_codes(user)
    afternoon = datetime(2027, 1, 15, 20, 30, tzinfo=UTC)
    Authenticator.objects.update(last_used_at=afternoon, created_at=afternoon)
    return row


def pages(row: Authenticator) -> list[str]:
    one = f"{METHODS}{row.pk}/"
    return [
        *(METHODS, f"{METHODS}add/", f"{METHODS}recovery-codes/"),
        *(f"{one}rename/", f"{one}remove/"),
    ]


def test_titles_say_what_a_page_is_about(client: Client, row: Authenticator) -> None:
    """In the tab, before the name of the site, and in the heading."""
    titles = []
    for address in pages(row):
        page = client.get(address).content.decode()
        (title,) = re.findall(r"<title>\s*(.*?) [|·]", page)
        assert f"<h1>{title}</h1>" in page
        titles.append(title)
    assert titles == [
        "Your sign-in methods",
        "Add an authenticator app",
        "Recovery codes",
        "Rename an authenticator app",
        "Remove an authenticator app",
    ]


def test_no_sentence_ends_twice(client: Client, row: Authenticator) -> None:
    """A time can end in a full stop: "8:30 p.m."."""
    assert "Last used Jan. 15, 2027, 8:30 p.m." in words(client.get(METHODS))
    responses = [client.get(address) for address in pages(row)]
    responses += [
        client.post(f"{METHODS}add/", {"name": "Etc."}, follow=True),
        client.get(f"{METHODS}add/"),
        client.get(f"{METHODS}add/?confirm"),
        client.post(f"{METHODS}recovery-codes/", follow=True),
        client.post(f"{METHODS}{row.pk}/rename/", {"name": "Etc."}, follow=True),
        client.post(f"{METHODS}{row.pk}/remove/", follow=True),
    ]
    for response in responses:
        assert response.status_code == 200
        assert not re.search(r"[.?!…]\s*\.(?!\.)", words(response))
