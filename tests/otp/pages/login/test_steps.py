"""The two steps of the login: name, code, in."""

from __future__ import annotations

from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from swap_user.otp.visitors import code_request
from swap_user.testing import outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    INDEX,
    LOGIN,
    LOGOUT,
    RESEND,
    WRONG,
    ask,
    code,
    enter,
    field,
    logged_in,
    text,
    wrong,
)
from tests.support import spellings, username

pytestmark = pytest.mark.django_db


def test_login(client: Client, staff: Any) -> None:
    """From the index over both steps and back to the index."""
    response = client.get(INDEX, follow=True)
    assert response.redirect_chain == [("/admin/login/?next=/admin/", 302)]
    response = ask(client, next="/admin/")
    assert (response.status_code, response["Location"]) == (302, f"{CHECK}?next=/admin/")
    assert client.get(response["Location"]).status_code == 200
    response = enter(client, outbox[-1].otp, next="/admin/")
    assert (response.status_code, response["Location"]) == (302, INDEX)
    assert client.session[SESSION_KEY] == str(staff.pk)
    assert client.get(INDEX).status_code == 200


def test_next_survives_both_steps(client: Client) -> None:
    """The page that was asked for is kept up to the end, also after a wrong code."""
    target = "/admin/?a=b&c=d/é"
    response = client.get(LOGIN, {"next": target})
    hidden = unescape(field(response, "next")["value"])
    assert hidden == target
    response = client.get(ask(client, next=hidden)["Location"])
    hidden = unescape(field(response, "next")["value"])
    assert hidden == target
    enter(client, wrong(outbox[-1].otp), next=hidden)
    response = enter(client, outbox[-1].otp, next=hidden)
    assert response["Location"] == "/admin/?a=b&c=d/%C3%A9"


def test_next_also_survives_the_ways_round(client: Client) -> None:
    """The resend, starting over, and a session that got lost."""
    query = urlencode({"next": "/admin/x/"}, safe="/")
    assert client.post(RESEND, {"next": "/admin/x/"})["Location"] == f"{LOGIN}?{query}"
    assert enter(client, "123456", next="/admin/x/")["Location"] == f"{LOGIN}?{query}"
    assert client.get(CHECK, {"next": "/admin/x/"})["Location"] == f"{LOGIN}?{query}"
    ask(client)
    assert client.post(RESEND, {"next": "/admin/x/"})["Location"] == f"{CHECK}?{query}"
    assert f'href="{LOGIN}?{query}"' in text(client.get(CHECK, {"next": "/admin/x/"}))


def test_other_spellings_of_a_username(client: Client) -> None:
    """The name may be typed in another form."""
    code(client, f" {spellings()[0]} ")
    assert f"<bdi>{username()}</bdi>" in text(client.get(CHECK))
    assert enter(client, outbox[-1].otp).status_code == 302


def test_code_with_spaces(client: Client) -> None:
    """Spaces around and in a code do not matter."""
    otp = code(client)
    assert enter(client, f"  {otp[:3]} {otp[3:]}  ").status_code == 302


@pytest.mark.requirement("R22")
def test_code_is_refused_after_ten_minutes(client: Client, clock: Any, settings: Any) -> None:
    """A sent code no longer counts after its lifetime."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_TIMEOUT": 600}
    otp = code(client)
    clock.shift(601)
    assert WRONG in text(enter(client, otp))
    assert "The code has expired." in text(client.get(CHECK))
    assert not logged_in(client)


@pytest.mark.requirement("R23")
def test_code_of_one_session_in_another() -> None:
    """A sent code counts only in the session that asked for it."""
    mine, theirs = Client(), Client()
    my_code, their_code = code(mine), code(theirs)
    assert WRONG in text(enter(theirs, my_code))
    assert not logged_in(theirs)
    assert enter(theirs, their_code).status_code == 302


@pytest.mark.requirement("R24")
@pytest.mark.parametrize("stranger_first", [True, False])
def test_a_stranger_asking_leaves_my_code_valid(stranger_first: bool) -> None:
    """A code that another browser asks for does not replace mine."""
    mine, stranger = Client(), Client()
    if stranger_first:
        code(stranger)
    my_code = code(mine)
    if not stranger_first:
        code(stranger)
    assert enter(mine, my_code).status_code == 302


@pytest.mark.requirement("R55")
@pytest.mark.parametrize("pause", [31, 160], ids="after {} seconds".format)
@pytest.mark.parametrize("number", [0, 1], ids=["first message", "second message"])
def test_a_resend_leaves_the_first_code_valid(
    client: Client, clock: Any, pause: int, number: int
) -> None:
    """Any code that has arrived is accepted, and only one of them."""
    code(client)
    clock.shift(pause)
    response = client.post(RESEND, follow=True)
    assert "A new message is on its way. Use any code that has reached you." in text(response)
    codes = [sent.otp for sent in outbox]
    assert len(set(codes)) == (1 if pause < 150 else 2)
    assert enter(client, codes[number]).status_code == 302
    client.post(LOGOUT)
    code(client)
    for each in codes:
        assert WRONG in text(enter(client, each))


def test_a_code_is_good_for_one_login(client: Client) -> None:
    """A used code is refused at the next login."""
    otp = code(client)
    enter(client, otp)
    client.post(LOGOUT)
    code(client)
    assert WRONG in text(enter(client, otp))


@pytest.mark.requirement("R35")
def test_session_key_is_new(client: Client) -> None:
    """A login gives the session a new key."""
    otp = code(client)
    before = client.session.session_key
    enter(client, otp)
    assert client.session.session_key not in {None, before}
    assert code_request.SESSION_KEY not in client.session


@pytest.mark.requirement("R35")
def test_session_key_is_new_when_one_logs_in_again(client: Client) -> None:
    """Also for a user who is logged in already."""
    for _ in range(2):
        otp = code(client)
        before = client.session.session_key
        enter(client, otp)
        assert client.session.session_key not in {None, before}
