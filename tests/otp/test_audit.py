"""The security log: one line an event, its parts beside it, and never a code (R41)."""

from __future__ import annotations

import json
import logging
import time
import uuid

import pytest

from swap_user.otp import AnotherCodeNeeded, audit
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.testing import outbox
from tests.support import aenter, ask, enter, give, make_user, totp, username, visitor

pytestmark = pytest.mark.requirement("R41")

NASTY = "a\r\nb\x00\x1b[31m\x85\u2028\u2029\u202e\u2066\x7f\ud800z"

BUILTIN = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


@pytest.fixture
def lines(caplog):
    """The records of our logger, at DEBUG as every other."""
    caplog.set_level(logging.DEBUG)
    return lambda: [each for each in caplog.records if each.name == "swap_user.security"]


def test_an_event_and_its_parts(lines):
    """For people in the line, for machines beside it; numbers stay numbers."""
    key = uuid.uuid4()
    audit.record(logging.WARNING, "login limited", account="abc", retry_in=7, of=None, key=key)
    (line,) = lines()
    assert line.getMessage() == f"login limited: account=abc retry_in=7 of=None key={key}"
    assert line.levelname == "WARNING"
    assert (line.event, line.account, line.retry_in, line.of) == ("login limited", "abc", 7, None)
    assert line.key == str(key)
    json.dumps({name: value for name, value in vars(line).items() if name not in BUILTIN})


@pytest.mark.parametrize("value", [NASTY, ValueError(NASTY), [NASTY]])
def test_one_line_whatever_is_in_it(lines, value):
    """Line ends of every kind, terminal escapes and turns of direction are written as such."""
    audit.record(logging.ERROR, "no receiver", user=1, error=value)
    (line,) = lines()
    for text in (line.getMessage(), line.error):
        assert len(text.splitlines()) == 1
        assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in text)
        assert not set(text) & set("\u2028\u2029\u202e\u2066")
        text.encode()
    if isinstance(value, str):
        assert line.error.startswith("a\\x0d\\x0ab\\x00\\x1b[31m\\x85\\u2028\\u2029\\u202e")


def test_a_long_word_does_not_flood_the_log(lines):
    """An exception may carry a whole page."""
    audit.record(logging.ERROR, "no receiver", error="x" * 100_000)
    assert len(lines()[0].getMessage()) < 1000


@pytest.mark.parametrize("name", sorted(BUILTIN | {"event", "level"}))
def test_names_that_a_record_has_of_its_own(lines, name):
    """They would break the call, or what every formatter relies on."""
    audit.record(logging.INFO, "code sent", **{name: "mine"})
    (line,) = lines()
    assert line.event == "code sent"
    assert line.getMessage() == f"code sent: {name}=mine"
    assert line.levelname == "INFO"
    assert "mine" in {getattr(line, f"{name}_", None), getattr(line, name, None)}


def test_nothing_is_made_where_nobody_listens(caplog):
    """A level that is off costs no text."""
    caplog.set_level(logging.ERROR, logger="swap_user.security")

    class Dear:
        def __str__(self):
            raise AssertionError("asked for")

    audit.record(logging.INFO, "code sent", user=Dear())
    assert caplog.records == []


def test_what_went_wrong_and_where():
    """Without the traceback."""
    try:
        raise ValueError("no\nway")
    except ValueError as error:
        said = audit.describe(error)
    assert said.startswith("ValueError: no\nway at ")
    assert f"{__file__}:" in said
    assert audit.describe(KeyError("x")) == "KeyError: 'x'"


@pytest.mark.django_db
@pytest.mark.parametrize("door", [enter, aenter], ids=["sync", "async"])
def test_every_attempt_with_its_outcome_and_factor(lines, door):
    """Who, which kind, and for a refusal why."""
    user = make_user()
    give(user)
    now = time.time()
    request = visitor()
    for code in (ask(request), totp(now), generate_recovery_codes(user)[0]):
        assert door(request, code) == user
    accepted = [(each.user, each.factor) for each in lines() if each.event == "code accepted"]
    assert accepted == [
        (str(user.pk) if not isinstance(user.pk, int) else user.pk, factor)
        for factor in ("sent", "authenticator", "recovery")
    ]
    for code, name in (("12", username()), ("123456", username(9)), ("123456", username())):
        assert door(request, code, name) is None
    refused = [each for each in lines() if each.event == "code refused"]
    assert [each.reason for each in refused] == ["malformed", "unknown", "wrong"]
    assert all(len(each.account) == 32 for each in refused)


@pytest.mark.django_db
@pytest.mark.parametrize("door", [enter, aenter], ids=["sync", "async"])
def test_no_code_is_in_any_log(caplog, settings, door):
    """Not at DEBUG, of any logger, in the line or beside it; whether it counts or not."""
    caplog.set_level(logging.DEBUG)
    user = make_user()
    give(user)
    request, other = visitor(), visitor()
    typed = [ask(request), *generate_recovery_codes(user), totp(time.time()), "483920", "11 22 33"]
    for code in typed:
        for by in (other, request, None):
            for name in (username(), username(7), "nobody\r\nat all"):
                door(by, code, name)
    if hasattr(user, "rotate_security_stamp"):  # else the other code is a password
        settings.SWAP_USER = settings.SWAP_USER | {
            "OTP_POLICY_CLASS": "swap_user.otp.policies.Both"
        }
        fresh = visitor()
        typed.append(ask(fresh))
        with pytest.raises(AnotherCodeNeeded):
            door(fresh, typed[-1])
    typed += [each.otp for each in outbox]
    secrets = {code.replace(" ", "").replace("-", "") for code in typed} | set(typed)
    for line in caplog.records:
        # What a test's database says of its statements is not written in production.
        if line.name.startswith("django.db"):
            continue
        said = f"{line.getMessage()} {vars(line)}"
        assert not [code for code in secrets if f" {code}" in said or f"={code}" in said]
        assert not [code for code in secrets if len(code) > 10 and code in said]
        assert len(line.getMessage().splitlines()) <= 1
