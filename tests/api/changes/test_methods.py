"""Changes of how a user logs in: authenticators and recovery codes."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.models import Authenticator
from swap_user.otp.crypto import hotp
from swap_user.testing import enroll_authenticator
from tests.api.changes.conftest import events, is_in
from tests.api.conftest import sent_code
from tests.api.stored import stored_sessions
from tests.clock import Clock
from tests.otp.pages.login.helpers import wrong
from tests.otp.pages.methods.helpers import totp_of
from tests.support import give, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]


def add(member: Any, **members: str) -> dict[str, Any]:
    """Begin to add an authenticator app."""
    response = member.post("authenticators/", **members)
    assert response.status_code == 201, response.content
    return dict(response.json())


def confirm(member: Any, begun: dict[str, Any], otp: str | None = None) -> Any:
    """Show a code of the app, or another one."""
    code = otp or totp_of(begun["secret"])
    return member.post(f"authenticators/{begun['id']}/confirm/", otp=code)


def listed(member: Any) -> list[dict[str, Any]]:
    """Return the authenticators of the user."""
    return list(member.get("authenticators/").json()["authenticators"])


# --- Authenticators -------------------------------------------------------------------------------


@pytest.mark.requirement("R36", "R37")
def test_add_an_authenticator(member: Any, other: Any, user: Any) -> None:
    """The owner is notified, other sessions end, and this client stays in."""
    token = getattr(member, "token", "")
    begun = add(member, name="Phone")
    assert (begun["type"], begun["name"]) == ("totp", "Phone")
    assert begun["secret"] in begun["provisioning_uri"]
    assert begun["qr_svg"].startswith("<svg")
    assert listed(member) == []
    confirmed = confirm(member, begun)
    assert confirmed.status_code == 200
    assert confirmed.json()["id"] == begun["id"]
    assert is_in(member)
    assert not is_in(other)
    assert events() == ["authenticator_added"]
    if token:  # the token of this app stays
        assert member.token == token
    (row,) = listed(member)
    assert (row["id"], row["name"]) == (begun["id"], "Phone")


@pytest.mark.requirement("R27")
def test_the_secret_is_shown_once(member: Any) -> None:
    """Neither later answers nor the session in the database have it."""
    begun = add(member)
    sessions = repr(stored_sessions())
    assert "_swap_user_enrollment" in sessions
    assert begun["secret"] not in sessions
    later = [confirm(member, begun, "1"), confirm(member, begun), member.get("authenticators/")]
    later += [member.get("session/")]
    assert not any(begun["secret"] in each.content.decode() for each in later)


@pytest.mark.requirement("R15")
def test_the_code_that_confirms_is_used(member: Any, new_client: Any) -> None:
    """It logs no user in."""
    begun = add(member)
    code = totp_of(begun["secret"])
    assert confirm(member, begun, code).status_code == 200
    another = new_client().start()
    another.ask()
    assert another.enter(code).json()["code"] == "invalid_code"


def test_a_wrong_code_of_a_new_authenticator(member: Any) -> None:
    """400, since the user stays logged in; the right one still counts."""
    begun = add(member)
    refused = confirm(member, begun, wrong(totp_of(begun["secret"])))
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_code")
    assert is_in(member)
    assert listed(member) == []
    assert confirm(member, begun).status_code == 200
    assert confirm(member, begun).status_code == 404


def test_only_the_last_enrollment_counts(member: Any) -> None:
    """A second one replaces the first one, and no id of another session is taken."""
    first, second = add(member), add(member)
    assert confirm(member, first).status_code == 404
    assert confirm(member, second).status_code == 200


def test_an_enrollment_of_another_client(member: Any, other: Any) -> None:
    """It is bound to the session."""
    assert confirm(other, add(member)).status_code == 404


def test_an_enrollment_that_took_too_long(member: Any, clock: Clock) -> None:
    """It ends."""
    configured = add(member)
    clock.shift(3600)
    member.ask()
    member.post("step-up/", otp=sent_code())
    assert confirm(member, configured).status_code == 404


def test_codes_by_counter(member: Any) -> None:
    """The other type of authenticators."""
    begun = add(member, type="hotp")
    assert "/hotp/" in begun["provisioning_uri"]
    assert confirm(member, begun, hotp.code_at(begun["secret"], 0)).status_code == 200


def test_too_many_authenticators(member: Any, user: Any, settings: Any) -> None:
    """As many as the page allows."""
    for number in range(50):
        give(user, name=f"App {number}")
        if member.post("authenticators/").status_code == 409:
            break
    else:
        pytest.fail("there is no end")
    assert member.post("authenticators/").json()["code"] == "too_many_authenticators"


def test_rename_an_authenticator(member: Any, other: Any, user: Any) -> None:
    """Nothing ends."""
    row = give(user, name="One")
    renamed = member.patch(f"authenticators/{row.pk}/", name=" My\n phone ")
    assert renamed.json()["name"] == "My phone"
    assert listed(member)[0]["name"] == "My phone"
    assert member.patch(f"authenticators/{row.pk}/", name="x" * 65).status_code == 400
    assert is_in(other)


@pytest.mark.requirement("R36", "R37")
def test_remove_an_authenticator(member: Any, other: Any, user: Any) -> None:
    """The owner is notified, and other sessions end."""
    row, kept = give(user, name="One"), give(user, name="Two")
    assert member.delete(f"authenticators/{row.pk}/").status_code in {200, 204}
    assert [each["id"] for each in listed(member)] == [str(kept.pk)]
    assert is_in(member)
    assert not is_in(other)
    assert events() == ["authenticator_removed"]
    assert member.delete(f"authenticators/{row.pk}/").status_code == 404


def test_authenticators_of_others(member: Any, user: Any) -> None:
    """Another user's, and the one of sent codes."""
    theirs = give(make_user(2))
    sent = Authenticator.objects.filter(user=user, type="sent").get()
    for row in (theirs, sent):
        assert member.patch(f"authenticators/{row.pk}/", name="x").status_code == 404
        assert member.delete(f"authenticators/{row.pk}/").status_code == 404
    assert listed(member) == []
    assert Authenticator.objects.filter(pk__in=[theirs.pk, sent.pk]).count() == 2


def test_times_of_an_authenticator(member: Any, user: Any, clock: Clock) -> None:
    """When it was added and used."""
    app = enroll_authenticator(user)
    assert listed(member)[0]["last_used_at"] is None
    assert member.post("step-up/", otp=app.now()).status_code == 200
    assert listed(member)[0]["last_used_at"] is not None


# --- Recovery codes -------------------------------------------------------------------------------


@pytest.mark.requirement("R31", "R36", "R37")
def test_recovery_codes(member: Any, other: Any, new_client: Any) -> None:
    """Ten codes, shown once, each good for one login; the set of before is worth nothing."""
    assert member.get("recovery-codes/").json() == {"left": 0}
    first = member.post("recovery-codes/")
    assert first.status_code == 201
    assert events() == ["recovery_codes_generated"]
    assert not is_in(other)
    codes = member.post("recovery-codes/").json()["codes"]
    assert len({*codes}) == 10
    assert not {*codes} & {*first.json()["codes"]}
    assert is_in(member)
    assert member.get("recovery-codes/").json() == {"left": 10}
    shown = member.get("recovery-codes/").content + member.get("session/").content
    assert not any(code.encode() in shown for code in codes)
    another = new_client().start()
    another.ask()
    assert another.enter(first.json()["codes"][0]).status_code == 401
    entered = another.enter(codes[0].lower().replace("-", " "))
    assert entered.status_code == 200
    assert entered.json()["recovery_codes_left"] == 9
    assert [*entered.json()["factors"]] == ["recovery"]
    again = new_client().start()
    again.ask()
    assert again.enter(codes[0]).status_code == 401
