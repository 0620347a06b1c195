"""Two codes in turn, recovery codes, and the password first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from swap_user.otp import generate_recovery_codes
from swap_user.testing import outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    INACTIVE,
    INDEX,
    LOGIN,
    NO_STAFF,
    NOBODY,
    WRONG,
    ask,
    assert_unavailable,
    code,
    enter,
    field,
    logged_in,
    same,
    text,
)
from tests.otp.pages.sites import ADMIN
from tests.support import give, make_user, totp, username

pytestmark = pytest.mark.django_db


@pytest.mark.user_model("no password")
def test_two_codes_in_turn(client: Client, staff: Any, both: None, clock: Any) -> None:
    """On the same page, which says what comes next, also after a mistake."""
    give(staff)
    response = enter(client, code(client), next="/admin/x/")
    assert response.status_code == 200
    assert "That was right. Now enter the code of your authenticator app, or a" in text(response)
    assert field(response, "next")["value"] == "/admin/x/"
    assert "The code expires in" not in text(response)
    assert "Send a new code" not in text(response)
    assert not logged_in(client)
    assert "no-store" in response["Cache-Control"]
    for again in [enter(client, "000000"), client.get(CHECK)]:
        assert "Now enter the code of your authenticator app" in text(again)
        assert "That was right" not in text(again)
    response = enter(client, totp(1_800_000_000), next="/admin/x/")
    assert response["Location"] == "/admin/x/"
    assert logged_in(client)


@pytest.mark.user_model("no password")
def test_the_app_first_and_then_the_sent_code(
    client: Client, staff: Any, both: None, clock: Any
) -> None:
    """The two codes may come in either order."""
    give(staff)
    sent = code(client)
    response = enter(client, totp(1_800_000_000))
    assert "That was right. Now enter the code that was sent to you." in text(response)
    assert "The code expires in" in text(response)
    assert enter(client, sent).status_code == 302


@pytest.mark.user_model("no password")
def test_starting_over_half_way(client: Client, staff: Any, both: None, clock: Any) -> None:
    """The next code that is sent counts as a first one; the half of before is forgotten."""
    give(staff)
    enter(client, code(client))
    clock.shift(31)
    response = enter(client, code(client))
    assert "That was right. Now enter the code of your" in text(response)
    assert enter(client, totp(1_800_000_031)).status_code == 302


@pytest.mark.user_model("no password")
def test_half_a_login_is_none(client: Client, staff: Any, both: None) -> None:
    """Nor does the half of one session serve another."""
    give(staff)
    enter(client, code(client))
    assert client.get(INDEX).status_code == 302
    other = Client()
    code(other)
    assert "That was right. Now enter the code that was sent" in text(
        enter(other, totp(time.time()))
    )


@pytest.mark.requirement("R31")
def test_recovery_code_in_the_same_field(client: Client, staff: Any) -> None:
    """In lower case and without dashes, too; the next page says how many are left."""
    codes = generate_recovery_codes(staff)
    code(client)
    assert "Lost your phone? Enter a recovery code here." in text(client.get(CHECK))
    assert enter(client, f" {codes[0].lower().replace('-', ' ')} ").status_code == 302
    assert "You used a recovery code. 9 are left." in text(client.get(INDEX))
    client.logout()
    code(client)
    assert WRONG in text(enter(client, codes[0]))


@pytest.mark.user_model("password")
def test_password_first(client: Client, staff: Any, both: None) -> None:
    """The right password alone does not log in: it sends the code."""
    staff.set_password("correct horse")
    staff.save()
    page = client.get(LOGIN)
    assert field(page, "password")["autocomplete"] == "current-password"
    assert field(page, "password")["type"] == "password"
    response = ask(client, password="correct horse", next="/admin/x/")
    assert response["Location"] == f"{CHECK}?next=/admin/x/"
    assert not logged_in(client)
    assert enter(client, outbox[-1].otp).status_code == 302
    assert logged_in(client)


@pytest.mark.user_model("password")
@pytest.mark.requirement("R32")
def test_wrong_password(client: Client, staff: Any, both: None, clock: Any, site: str) -> None:
    """The same answer whatever the reason; nothing is sent, and the page after stays shut."""
    for user in [
        staff,
        make_user(INACTIVE, is_staff=True, is_active=False),
        make_user(NO_STAFF),
    ]:
        user.set_password("correct horse")
        user.save()
    tries = [(1, "wrong"), (NOBODY, "wrong"), (INACTIVE, "correct horse"), (NO_STAFF, "wrong")]
    if site == ADMIN:  # the own pages are open to this user
        tries += [(NO_STAFF, "correct horse")]
    seen = [
        same(ask(Client(), username(number), password=password), username(number))
        for number, password in tries
    ]
    assert all(each == seen[0] for each in seen)
    response = ask(client, password="wrong")
    assert response.status_code == 200
    assert "That did not work: the name or the password is wrong" in text(response)
    assert "wrong" not in field(response, "password").get("value", "")
    assert outbox == []
    assert client.get(CHECK)["Location"] == LOGIN
    assert ask(client, password="").status_code == 200


@pytest.mark.user_model("password")
def test_no_code_without_the_password(client: Client, staff: Any, settings: Any) -> None:
    """Not even one that was asked for before the policy was changed."""
    otp = code(client)
    policy = "swap_user.otp.policies.Both"
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_POLICY_CLASS": policy}
    response = enter(client, otp)
    assert response["Location"] == LOGIN
    assert "That took too long. Please begin again." in text(client.get(LOGIN))
    assert not logged_in(client)


@pytest.mark.user_model("password")
def test_password_while_redis_is_away(
    client: Client, staff: Any, both: None, redis_away: Callable[[], None]
) -> None:
    """The page says so, and does not repeat the password."""
    staff.set_password("correct horse")
    staff.save()
    redis_away()
    response = ask(client, password="correct horse")
    assert_unavailable(response)
    assert "correct horse" not in response.content.decode()


def test_no_password_field_otherwise(client: Client) -> None:
    """Without a policy that asks for a password there is no field for one."""
    assert "password" not in client.get(LOGIN).content.decode().replace("/password_", "")
