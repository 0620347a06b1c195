"""Sessions: which are fresh, and that a change of factors ends the others."""

import io
import time

import pytest
import time_machine
from django.contrib.auth import SESSION_KEY, get_user_model, login
from django.contrib.sessions.backends import cache as in_cache
from django.core.management import CommandError, call_command
from django.db import DatabaseError
from django.http import HttpResponse
from django.test import Client

import swap_user.otp.sessions
from swap_user.models import Authenticator, KnownBrowser, LoginSession, RecoveryCode, WrongGuess
from swap_user.otp import generate_recovery_codes, remember_browser, reset_user, send_code
from swap_user.otp.sessions import proof, reauthentication, reset, sessions
from swap_user.otp.sessions.sessions import end_sessions, is_fresh
from swap_user.otp.visitors import flow
from swap_user.signals import authenticator_removed
from swap_user.testing import MemoryOTPSender, log_in, outbox
from swap_user.users.databases import written
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


@pytest.mark.requirement("R35", "R53")
def test_each_login_changes_the_flow_and_the_key(user):
    """Also that of a user who is logged in already, whose key login() would keep."""
    codes = generate_recovery_codes(user)
    request = visitor()
    ask(request)
    seen = {(flow.current(request), request.session.session_key)}
    for code in codes[:2]:
        login(request, enter(request, code))
        request.session.save()
        seen.add((flow.current(request), request.session.session_key))
    assert [len(set(each)) for each in zip(*seen, strict=True)] == [3, 3]


@pytest.mark.requirement("R51")
def test_a_login_of_nobody_after_a_wrong_code(user):
    """Another package may send the signal without a user: it is no proof."""
    request = visitor()
    ask(request)
    assert enter(request, "000000") is None
    request.session[proof.SESSION_KEY] = {"user": str(user.pk), "factors": {"sent": time.time()}}
    sessions.note_login(None, request)
    assert proof.SESSION_KEY not in request.session


@pytest.mark.user_model("no password")
@pytest.mark.requirement("R36")
def test_a_new_security_stamp(user):
    """It ends sessions that can't be deleted."""
    before = user.security_stamp
    end_sessions(user)
    user.refresh_from_db()
    assert user.security_stamp != before


@pytest.mark.requirement("R52")
def test_the_record_of_this_session_follows_it(user, settings):
    """Its new key is recorded before the request ends, also where sessions are in the cache."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    request = visitor()
    request.session = in_cache.SessionStore()
    login(request, user, backend="swap_user.backends.OTPBackend")
    end_sessions(user, keep=request)
    assert LoginSession.objects.get().session_key == request.session.session_key


def test_when_another_login_is_demanded(user):
    """Until it is settled, and only while the last login is not recent."""
    request = visitor()
    request.user = user
    assert not reauthentication.is_demanded(request)
    reauthentication.demand(request.session)
    assert reauthentication.is_demanded(request)
    proof.record(request.session, user, ["sent"], now=time.time())
    assert not reauthentication.is_demanded(request)
    proof.clear(request.session)
    reauthentication.settle(request.session)
    assert not reauthentication.is_demanded(request)
    reauthentication.settle(request.session)


def test_a_demand_of_the_version_before():
    """It is found again after an update: its name stays the same."""
    request = visitor()
    request.session["_swap_user_reauthenticate"] = True
    assert reauthentication.is_demanded(request)


@pytest.mark.parametrize("name", ["end_sessions", "is_fresh"])
def test_a_name_that_has_moved(name):
    """The warning says where it is now, and where it is used."""
    text = f"^swap_user.otp.sessions.{name} has moved to swap_user.otp.{name}.$"
    with pytest.warns(DeprecationWarning, match=text) as caught:
        getattr(swap_user.otp.sessions, name)
    assert [warning.filename for warning in caught] == [__file__]


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


@pytest.mark.parametrize("options", [[], ["--limits-only"]], ids=["reset", "limits only"])
def test_reset_otp_lifts_what_strangers_have_used_up(user, options):
    """Guesses and messages, those to the address of the user too."""
    give(user)
    request, response = visitor(), HttpResponse()
    assert enter(request, ask(request)) == user
    remember_browser(request, response)
    for _ in range(16):
        enter(None, "12345678")
    for _ in range(25):
        send_code(None, username())
    outbox.clear()
    send_code(None, username())
    assert not outbox
    call_command("reset_otp", username(), *options, stdout=io.StringIO())
    assert not WrongGuess.objects.filter(user=user).exists()
    assert len(ask(None)) == 6
    assert KnownBrowser.objects.filter(user=user).exists() is bool(options)


@pytest.mark.parametrize("options", [[], ["--limits-only"]], ids=["reset", "limits only"])
def test_reset_otp_while_redis_is_away(user, redis_server, options):
    """It says what is done, which is all that is in the database, and what is not."""
    give(user)
    enter(None, "12345678")
    redis_server.stop()
    with pytest.raises(CommandError, match="limit on messages to the user's address is not"):
        call_command("reset_otp", username(), *options)
    assert not WrongGuess.objects.filter(user=user).exists()
    assert Authenticator.objects.exists() is bool(options)


def test_reset_otp_with_a_sender_that_raises(user, monkeypatch, caplog):
    """The project's sender can't keep a user from being reset."""
    give(user)
    monkeypatch.setattr(MemoryOTPSender, "get_receiver", lambda self, user: 1 / 0)
    call_command("reset_otp", username(), stdout=io.StringIO())
    assert not Authenticator.objects.exists()
    assert f"no receiver: user={user.pk} error=ZeroDivisionError" in caplog.text


def test_reset_user_changes_nothing_of_others(user):
    """Their authenticators and recovery codes stay. The signal names each one that went."""
    other = make_user(2)
    theirs, codes = give(other), generate_recovery_codes(other)
    mine = {give(user).pk, give(user, name="old").pk}
    generate_recovery_codes(user)
    heard = []

    def receiver(sender, user, authenticator, **kwargs):
        heard.append((user, authenticator.name))

    authenticator_removed.connect(receiver)
    try:
        assert reset_user(user) == (len(mine), 10)
    finally:
        authenticator_removed.disconnect(receiver)
    assert sorted(name for _, name in heard) == ["", "old"]
    assert {each for each, _ in heard} == {user}
    assert not Authenticator.objects.filter(pk__in=mine).exists()
    assert Authenticator.objects.filter(pk=theirs.pk).exists()
    assert RecoveryCode.objects.filter(user=other).count() == len(codes)


def test_a_reset_that_fails_in_the_middle(user, monkeypatch):
    """Authenticators and recovery codes are deleted together, or none of them is."""
    give(user)

    def fail(model):
        if model is RecoveryCode:
            raise DatabaseError("no")
        return written(model)

    monkeypatch.setattr(reset, "written", fail)
    with pytest.raises(DatabaseError):
        reset_user(user)
    assert Authenticator.objects.filter(user=user).exists()


@pytest.mark.parametrize("command", ["reset_otp", "enroll_authenticator"])
@pytest.mark.parametrize("name", ["nobody@example.com", "", "\x00"])
def test_a_name_that_nobody_has(command, name):
    """One clear line."""
    with pytest.raises(CommandError, match="There is no user"):
        call_command(command, name)
