"""The signals that metrics count: when each is sent, and with what. Receivers break nothing."""

from contextlib import contextmanager

import pytest
from django.contrib.auth import login
from django.db import OperationalError

from swap_user import signals
from swap_user.models import LoginSession
from swap_user.otp import LoginUnavailable, end_session, end_sessions, send_code, sessions_of
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.availability import report_database_outage, report_session_outage
from swap_user.otp.store import scripts
from swap_user.testing import MemoryOTPSender
from tests.otp.throttling.helpers import from_, wrong
from tests.support import NOW, ask, configure, enter, give, make_user, totp, username, visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("clock")]


@contextmanager
def events(*names):
    """Note the name and the arguments of each of these signals, in their order."""
    noted, receivers = [], {}
    for name in names:

        def receiver(sender, name=name, **kwargs):
            del kwargs["signal"]
            noted.append((name, sender, kwargs))

        receivers[name] = receiver
        getattr(signals, name).connect(receiver)
    try:
        yield noted
    finally:
        for name, receiver in receivers.items():
            getattr(signals, name).disconnect(receiver)


def labels(noted, name):
    """Return the values of one argument."""
    return [arguments[name] for _, _, arguments in noted]


LOGIN = ["code_requested", "send_limited", "code_accepted", "code_refused", "login_unavailable"]


def test_a_login(user, clock):
    """Requested, sent with the seconds that it took, refused once and accepted once."""
    request = visitor()
    with events(*LOGIN, "code_sent") as noted:
        code = ask(request)
        enter(request, wrong())
        enter(request, code)
    assert [name for name, *_ in noted] == [
        "code_requested",
        "code_sent",
        "code_refused",
        "code_accepted",
    ]
    requested, sent, refused, accepted = noted
    assert sent[1:] == (MemoryOTPSender, {"user": user, "seconds": 0.0})
    assert refused[1:] == (None, {**requested[2], "reason": "wrong", "request": request})
    assert accepted[1:] == (type(user), {"user": user, "factor": "sent", "request": request})


@pytest.mark.parametrize("kind", ["authenticator", "recovery"])
def test_the_factor_of_a_code(user, clock, kind):
    """Also that of an app, and of a recovery code."""
    give(user)
    code = totp(NOW) if kind == "authenticator" else generate_recovery_codes(user)[0]
    with events(*LOGIN) as noted:
        assert enter(None, code) == user
    assert labels(noted, "factor") == [kind]


def test_a_code_that_is_late(user, clock, monkeypatch):
    """The seconds are those since the request, whatever happened meanwhile."""
    monkeypatch.setattr(MemoryOTPSender, "send", lambda *args, **kwargs: clock.shift(7))
    with events("code_sent") as noted:
        send_code(visitor(), username())
    assert labels(noted, "seconds") == [pytest.approx(7, abs=0.01)]


@pytest.mark.requirement("R33")
def test_the_same_for_every_name(user):
    """In the request and with a wrong code: no account is told from no account."""
    with events(*LOGIN) as noted:
        for number in (1, 2):
            send_code(from_(number), username(number))
            enter(from_(number), wrong(), username(number))
    assert [name for name, *_ in noted] == ["code_requested", "code_refused"] * 2
    assert labels(noted[1::2], "reason") == ["wrong", "unknown"]
    assert noted[0][2].keys() == noted[2][2].keys() == {"account"}


@pytest.mark.parametrize(
    ("limits", "scope"),
    [
        ({"asks_per_address": "1/1h"}, "address"),
        ({"messages_per_account": 1, "newcomers_per_account": 0}, "account"),
        ({"messages_per_receiver": 1, "newcomers_per_account": 0}, "receiver"),
        ({"messages_per_site": 2}, "site"),
    ],
)
def test_a_limit_on_messages(user, settings, limits, scope):
    """By the request for a limit of its visitor, else by the job; the request is counted."""
    configure(settings, OTP_LIMITS=limits)
    with events("code_requested", "send_limited") as noted:
        for _ in range(3):
            send_code(from_(1), username())
    requested = [each for each in noted if each[0] == "code_requested"]
    limited = [each for each in noted if each[0] == "send_limited"]
    assert len(requested) == 3
    assert set(labels(limited, "scope")) == {scope}
    assert set(labels(noted, "account")) == set(labels(requested, "account"))


def test_outages(monkeypatch):
    """The server, and the class of the exception."""

    class Unreachable:
        def __getattr__(self, name):
            raise OSError

    monkeypatch.setattr(scripts.connection, "client", lambda alias: Unreachable())
    monkeypatch.setattr(scripts.connection, "location", lambda client: "")
    with events("login_unavailable") as noted:
        with pytest.raises(LoginUnavailable):
            enter(None, "123456")
        with pytest.raises(LoginUnavailable), report_database_outage():
            raise OperationalError
        with pytest.raises(LoginUnavailable), report_session_outage(OSError):
            raise OSError
    assert labels(noted, "server") == ["redis", "database", "sessions"]
    assert labels(noted, "error") == ["OSError", "OperationalError", "OSError"]


def test_sessions_that_are_ended(user):
    """One of them, then the others; nothing where there is none."""
    for number in range(4):
        request = from_(number)
        assert enter(request, ask(request)) == user
        login(request, user, backend="swap_user.backends.OTPBackend")
        request.session.save()
    with events("sessions_ended") as noted:
        end_session(user, sessions_of(user)[0].pk)
        end_sessions(user)
        end_sessions(user)
        end_sessions(make_user(2))
    assert noted == [
        ("sessions_ended", LoginSession, {"user": user, "number": 1}),
        ("sessions_ended", LoginSession, {"user": user, "number": 3}),
    ]


def test_receivers_that_raise_break_no_login(user, no_log):
    """Each exception is logged by Django."""

    def fail(**kwargs):
        raise ValueError

    every = [getattr(signals, name) for name in (*LOGIN, "code_sent", "sessions_ended")]
    for signal in every:
        signal.connect(fail)
    try:
        request = visitor()
        code = ask(request)
        assert enter(request, wrong()) is None
        assert enter(request, code) == user
        end_sessions(user)
    finally:
        for signal in every:
            signal.disconnect(fail)
