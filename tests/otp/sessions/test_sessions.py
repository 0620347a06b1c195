"""Sessions: which are fresh, and that a change of factors ends the others."""

import io
import time

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY, get_user_model, login
from django.core.management import CommandError, call_command
from django.test import Client

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.sessions.sessions import end_sessions, is_fresh
from swap_user.testing import log_in
from tests.support import NOW, ask, enter, give, make_user, username, visitor

pytestmark = pytest.mark.django_db


@pytest.fixture
def user(staff):
    """A superuser, so that the admin shows who is logged in."""
    return staff


def is_in(client):
    """Say whether this browser is logged in to the admin."""
    return client.get("/admin/").status_code == 200


def test_a_login_is_fresh_for_ten_minutes(user):
    """From the login on, for OTP_FRESH_LOGIN seconds; never without one."""
    request = visitor()
    assert not is_fresh(request)
    with time_machine.travel(NOW, tick=False) as clock:
        found = enter(request, ask(request))
        login(request, found)
        assert is_fresh(request)
        clock.move_to(NOW + 599)
        assert is_fresh(request)
        clock.move_to(NOW + 600)
        assert not is_fresh(request)
        clock.move_to(NOW - 5)
        assert not is_fresh(request)


@pytest.mark.parametrize(
    "value", ["yesterday", None, float("nan"), float("inf"), 10**400, -(10**400), {}, True]
)
def test_a_session_that_holds_something_else_is_not_fresh(user, value):
    """Whatever is in the session: as a time, as the factors, as the user, as the whole record."""
    for record in (
        {"user": str(user.pk), "factors": {"sent": value}},
        {"user": str(user.pk), "factors": value},
        {"user": value, "factors": {"sent": time.time()}},
        value,
    ):
        request = visitor()
        request.user = user
        request.session["_swap_user_proof"] = record
        assert not is_fresh(request)


@pytest.mark.requirement("R36")
def test_other_sessions_end_and_this_one_goes_on(user):
    """Two browsers of one user and one of another: only the user's other browser is out."""
    mine, other, somebody = Client(), Client(), Client()
    log_in(mine, user)
    log_in(other, user)
    log_in(somebody, make_user(2, is_staff=True, is_superuser=True))
    request = visitor()
    request.session = mine.session
    request.user = user
    end_sessions(user, keep=request)
    request.session.save()
    mine.cookies["sessionid"] = request.session.session_key
    assert (is_in(mine), is_in(other), is_in(somebody)) == (True, False, True)


@pytest.mark.requirement("R36")
def test_all_sessions_end(user):
    """Without one to keep, all of the user's end."""
    client = Client()
    log_in(client, user)
    assert SESSION_KEY in client.session
    end_sessions(get_user_model().objects.get(pk=user.pk))
    assert not is_in(client)


def test_reset_otp(user):
    """Authenticators, recovery codes and sessions end; a sent code still lets in."""
    give(user)
    codes = generate_recovery_codes(user)
    client = Client()
    log_in(client, user)
    out = io.StringIO()
    call_command("reset_otp", username(), stdout=out)
    assert "revoked authenticators: 1, recovery codes: 10." in out.getvalue()
    assert not Authenticator.objects.exists()
    assert not RecoveryCode.objects.exists()
    assert not is_in(client)
    assert enter(None, codes[0]) is None
    request = visitor()
    assert enter(request, ask(request)) == user


@pytest.mark.parametrize("command", ["reset_otp", "enroll_authenticator"])
@pytest.mark.parametrize("name", ["nobody@example.com", "", "\x00"])
def test_a_name_that_nobody_has(command, name):
    """One clear line."""
    with pytest.raises(CommandError, match="There is no user"):
        call_command(command, name)
