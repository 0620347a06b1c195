"""What needs a recent login, and how a client gets one; users who must enroll an app."""

from __future__ import annotations

import time
from typing import Any

import pytest

from swap_user.testing import enroll_authenticator, outbox
from tests.api.changes.conftest import is_in
from tests.api.clients import AppClient, BrowserClient, logged_in
from tests.api.conftest import sent_code
from tests.clock import Clock
from tests.otp.pages.login.helpers import wrong
from tests.otp.pages.methods.helpers import totp_of
from tests.support import configure, give, make_user, totp, use_policy, username

pytestmark = [pytest.mark.django_db, pytest.mark.requirement("R37", "R51")]

HOUR = 3600

# What gives a way into the account.
GUARDED = [
    ("POST", "authenticators/", {}),
    ("POST", "authenticators/{row}/confirm/", {"otp": "1"}),
    ("PATCH", "authenticators/{row}/", {"name": "x"}),
    ("DELETE", "authenticators/{row}/", {}),
    ("POST", "recovery-codes/", {}),
    ("POST", "username/", {"username": "x"}),
    ("POST", "username/confirm/", {"otp": "1"}),
]
# What needs a login, however old.
OPEN = [
    ("GET", "session/"),
    ("GET", "sessions/"),
    ("GET", "authenticators/"),
    ("GET", "recovery-codes/"),
    ("POST", "session/token/"),
    ("DELETE", "sessions/"),
]


@pytest.fixture
def late(member: Any, clock: Clock) -> Any:
    """A client whose login was an hour ago."""
    clock.shift(HOUR)
    return member


def step_up(client: Any, **members: str) -> Any:
    """Show a code once more."""
    return client.post("step-up/", **members)


def code_of(client: Any) -> str:
    """Ask for a code, and return it."""
    before = len(outbox)
    assert client.ask().status_code == 202
    assert len(outbox) == before + 1
    return outbox[-1].otp


@pytest.mark.parametrize(("method", "path", "members"), GUARDED, ids=str)
def test_recent_login_is_needed(
    late: Any, user: Any, method: str, path: str, members: dict[str, str]
) -> None:
    """403, with what is missing; after a code, the same request is answered."""
    path = path.format(row=give(user).pk)
    refused = late.send(method, path, **members)
    assert (refused.status_code, refused.json()["code"]) == (403, "fresh_login_needed")
    assert refused.json()["missing"] == [["authenticator", "recovery", "sent"]]
    assert late.get("session/").json()["is_fresh"] is False
    stepped_up = step_up(late, otp=code_of(late))
    assert stepped_up.status_code == 200
    assert stepped_up.json()["is_fresh"] is True
    answered = late.send(method, path, **members)
    assert answered.status_code != 403


@pytest.mark.parametrize(("method", "path"), OPEN)
def test_old_login_is_enough(late: Any, method: str, path: str) -> None:
    """An owner who sees a stranger in the list must be quick."""
    assert late.send(method, path).status_code in {200, 204}


@pytest.mark.parametrize(("method", "path", "members"), GUARDED, ids=str)
def test_login_is_needed(user: Any, method: str, path: str, members: dict[str, str]) -> None:
    """401 without one, or with a token that has ended. A flow opens nothing."""
    path = path.format(row=give(user).pk)
    app = AppClient()
    app.ask()
    for client in (BrowserClient().start(), AppClient(token="sut_x")):
        response = client.send(method, path, **members, flow=app.flow)
        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    # Without a token, it is taken for a browser.
    assert app.send(method, path, **members, flow=app.flow).status_code == 403


def test_code_of_an_app(late: Any, user: Any) -> None:
    """Without a message."""
    app = enroll_authenticator(user)
    before = len(outbox)
    assert step_up(late, otp=app.now()).status_code == 200
    assert len(outbox) == before
    factors = late.get("session/").json()["factors"]
    assert factors["authenticator"] > factors["sent"]


def test_wrong_code(late: Any) -> None:
    """401, and the client stays logged in as before."""
    code = code_of(late)
    refused = step_up(late, otp=wrong(code))
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_code")
    assert late.get("session/").json()["is_fresh"] is False
    assert step_up(late, otp=code).status_code == 200


def test_code_of_another_user(late: Any, clock: Clock) -> None:
    """It makes no login recent, and changes no user."""
    other = make_user(2)
    theirs = enroll_authenticator(other)
    assert step_up(late, otp=theirs.now()).status_code == 401
    assert late.get("session/").json()["user"]["username"] == username()


def test_nothing_was_entered(late: Any) -> None:
    """400."""
    assert step_up(late).json()["code"] == "invalid"


@pytest.mark.requirement("R53")
def test_new_key(late: Any) -> None:
    """The session of before ends with the step."""
    former = {"token": getattr(late, "token", "")}
    cookie = late.client.cookies.get("sessionid")
    key = cookie.value if cookie else ""
    step_up(late, otp=code_of(late))
    if former["token"]:
        assert late.token != former["token"]
    else:
        assert late.client.cookies["sessionid"].value != key
    assert is_in(late)


def test_authenticator_once_enrolled(late: Any, user: Any, settings: Any) -> None:
    """A sent code is not enough then, and none is sent."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    app = enroll_authenticator(user)
    refused = late.post("recovery-codes/")
    assert refused.json()["missing"] == [["authenticator", "recovery"]]
    before = len(outbox)
    assert late.ask().status_code == 202
    assert len(outbox) == before
    assert step_up(late, otp=app.now()).status_code == 200
    assert late.post("recovery-codes/").status_code == 201


@pytest.mark.user_model("no password")
def test_two_codes(clock: Clock, late: Any, user: Any, settings: Any) -> None:
    """Both are needed, in turn. The first one makes the login not recent."""
    use_policy(settings, "Both")
    give(user)
    needed = step_up(late, otp=code_of(late))
    assert (needed.status_code, needed.json()["code"]) == (409, "another_code_needed")
    assert needed.json()["missing"] == [["authenticator", "recovery"]]
    assert "flow" not in needed.json()
    assert late.get("session/").json()["is_fresh"] is False
    assert is_in(late)
    assert step_up(late, otp=totp(time.time())).json()["is_fresh"] is True


@pytest.mark.user_model("password")
def test_password_and_code(clock: Clock, late: Any, user: Any, settings: Any) -> None:
    """The password first: without it, no code is sent."""
    use_policy(settings, "Both")
    user.set_password("correct horse")
    user.save()
    member = late
    if not is_in(member):  # the new password has ended the session
        configure(settings, OTP_POLICY_CLASS="swap_user.otp.policies.AnyCode")
        member = logged_in(type(late)(), sent_code)
        use_policy(settings, "Both")
        clock.shift(HOUR)
    before = len(outbox)
    asked = member.ask()
    assert (asked.status_code, asked.json()["missing"]) == (409, [["password"]])
    assert step_up(member, password="wrong").json()["code"] == "invalid_password"
    assert is_in(member)
    assert len(outbox) == before
    needed = step_up(member, password="correct horse")
    assert (needed.status_code, needed.json()["code"]) == (409, "another_code_needed")
    assert member.get("session/").json()["is_fresh"] is False
    assert step_up(member, otp=code_of(member)).json()["is_fresh"] is True
    # It is asked for the next time, too.
    assert member.ask().status_code == 409


# --- Users who must enroll an app -----------------------------------------------------------------


@pytest.fixture
def due(clock: Clock, settings: Any, new_client: Any) -> Any:
    """A client of a member of staff, who must enroll an app."""
    configure(settings, OTP_STAFF_MUST_ENROLL=True)
    make_user(is_staff=True)
    return logged_in(new_client(), sent_code)


CLOSED = [
    ("GET", "sessions/"),
    ("GET", "authenticators/"),
    ("GET", "recovery-codes/"),
    ("POST", "recovery-codes/"),
    ("DELETE", "sessions/"),
]


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_app_is_needed_first(due: Any, method: str, path: str) -> None:
    """403, until there is an app."""
    refused = due.send(method, path)
    assert (refused.status_code, refused.json()["code"]) == (403, "enrollment_needed")


def test_enroll_when_it_is_due(due: Any) -> None:
    """What is needed for it is open; after it, everything is. The last app can't be removed."""
    shown = due.get("session/").json()
    assert shown["must_enroll_at"] is not None
    begun = due.post("authenticators/").json()
    confirmed = due.post(f"authenticators/{begun['id']}/confirm/", otp=totp_of(begun["secret"]))
    assert confirmed.status_code == 200
    assert due.get("session/").json()["must_enroll_at"] is None
    assert due.get("sessions/").status_code == 200
    refused = due.delete(f"authenticators/{begun['id']}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "authenticator_required")


def test_enroll_with_an_old_login(due: Any, clock: Clock) -> None:
    """A code first; the step-up is open, too."""
    clock.shift(HOUR)
    assert due.post("authenticators/").json()["code"] == "fresh_login_needed"
    assert step_up(due, otp=code_of(due)).status_code == 200
    assert due.post("authenticators/").status_code == 201


def test_time_of_grace(clock: Clock, user: Any, settings: Any, new_client: Any) -> None:
    """Until its end everything is open, and the client knows when that is."""
    configure(settings, OTP_POLICY_CLASS="tests.otp.enforcement.project.Everyone")
    member = logged_in(new_client(), sent_code)
    assert member.get("session/").json()["must_enroll_at"] is not None
    clock.shift(6 * 86_400)
    assert member.get("sessions/").status_code == 200
    clock.shift(86_401)
    assert member.get("sessions/").json()["code"] == "enrollment_needed"
    assert member.delete("session/").status_code == 204
