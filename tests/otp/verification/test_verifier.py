"""Verification: who gets in with which code, through both doors of the backend."""

import unicodedata

import pytest
import time_machine
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from swap_user.models import Authenticator
from swap_user.otp import send_code
from swap_user.otp.crypto import hotp
from swap_user.otp.store import scripts
from swap_user.testing import outbox
from tests.support import (
    IDENTIFYING,
    RFC_SECRET,
    ask,
    configure,
    enter,
    give,
    make_user,
    totp,
    username,
    visitor,
)

pytestmark = pytest.mark.django_db(transaction=True)

NOW = 1_800_000_000  # a multiple of 30


def test_a_sent_code_lets_its_owner_in(door, user):
    """Ask, type, in."""
    request = visitor()
    assert door(request, ask(request)) == user


@pytest.mark.requirement("R6")
def test_a_sent_code_counts_once(door, user):
    """The same code, offered again in the same flow, is refused."""
    request = visitor()
    code = ask(request)
    assert door(request, code) == user
    assert door(request, code) is None


@pytest.mark.requirement("R6")
def test_a_totp_code_counts_once_until_its_window_closes(door, user):
    """Accepted once, then refused every second for as long as its step is in the window."""
    give(user)
    with time_machine.travel(NOW, tick=False) as clock:
        code = totp(NOW)
        assert door(None, code) == user
        accepted = []
        for second in range(90):
            clock.move_to(NOW + second)
            accepted.append(door(None, code))
        assert accepted == [None] * 90


@pytest.mark.requirement("R7")
def test_an_earlier_step_is_refused_after_a_later_one(door, user):
    """Accept T, then offer T-1, then T again: both are refused, T+1 is not."""
    give(user)
    with time_machine.travel(NOW, tick=False):
        assert door(None, totp(NOW)) == user
        assert door(None, totp(NOW - 30)) is None
        assert door(None, totp(NOW)) is None
        assert door(None, totp(NOW + 30)) == user


@pytest.mark.requirement("R11")
@pytest.mark.parametrize(("offset", "accepted"), [(-2, 0), (-1, 1), (0, 1), (1, 1), (2, 0)])
def test_the_totp_window_is_one_step_to_either_side(door, user, offset, accepted):
    """Offsets of two steps are refused, those within one are accepted."""
    give(user)
    with time_machine.travel(NOW, tick=False):
        assert door(None, totp(NOW + 30 * offset)) == (user if accepted else None)


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize("digits", [6, 8])
@pytest.mark.parametrize("period", [30, 60])
def test_totp_of_every_kind(user, algorithm, digits, period):
    """The authenticator's own hash, digits and period are what counts."""
    give(user, algorithm=algorithm, digits=digits, period=period)
    with time_machine.travel(NOW, tick=False):
        assert enter(None, totp(NOW, algorithm=algorithm, digits=digits, period=period)) == user


def test_an_hotp_code_counts_once_and_only_forward(door, user):
    """Within the look-ahead a later code is accepted, and those before it no more."""
    give(user, "hotp")
    assert door(None, hotp.code_at(RFC_SECRET, 4)) == user
    assert door(None, hotp.code_at(RFC_SECRET, 4)) is None
    assert door(None, hotp.code_at(RFC_SECRET, 3)) is None
    assert door(None, hotp.code_at(RFC_SECRET, 15)) is None  # eleven ahead
    assert door(None, hotp.code_at(RFC_SECRET, 14)) == user


@pytest.mark.requirement("R9")
def test_the_record_is_of_the_counter_not_of_the_text(door, user):
    """However a used code is written, it is used; however a fresh one is, it is right."""
    request = visitor()
    used = ask(request)
    assert door(request, used) == user
    wide = "".join(chr(ord(digit) + 0xFEE0) for digit in used)
    assert unicodedata.normalize("NFKC", wide) == used
    for text in (used, wide, f" {used} ", f"{used[:3]} {used[3:]}", f"\t{wide}\n"):
        assert door(request, text) is None
    for write in (
        lambda c: f" {c[:3]} {c[3:]} ",
        lambda c: "".join(chr(ord(d) + 0xFEE0) for d in c),
    ):
        assert door(request, write(ask(request))) == user


@pytest.mark.requirement("R14")
@pytest.mark.parametrize(
    "code",
    ["", " ", "12345", "abcdef", "१२३४५६", "12\x003456", "\ud800" * 6, "9" * 1_000_000, 123456,
     b"123456", ["123456"], {"otp": 1}, object(), float("nan"), "🙂" * 6],
)  # fmt: skip
def test_what_is_no_code_is_refused(door, user, code):
    """Refused, and no exception, whatever comes in as a code."""
    give(user)
    assert door(visitor(), code) is None


@pytest.mark.requirement("R14")
@pytest.mark.parametrize(
    "name",
    ["", " ", "\x00", "a\x00b@example.com", "\ud800", "x" * 1_000_000, 5, b"user1", [], object(),
     "nobody@example.com", "🙂@🙂", "%", "' OR 1=1 --"],
)  # fmt: skip
def test_what_is_no_username_is_refused(door, user, name):
    """Refused, and no exception, whatever comes in as a username."""
    assert door(visitor(), "123456", name) is None


@pytest.mark.requirement("R14")
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(name=st.one_of(st.none(), st.text(), st.binary()), code=st.one_of(st.text(), st.binary()))
def test_random_input_is_refused(user, name, code):
    """No text and no bytes let anybody in, and none raises."""
    assert enter(None, code, name) is None


def test_without_a_code_the_backend_does_no_work(user, django_assert_num_queries, monkeypatch):
    """A password login passes by: no query, no word to Redis."""
    monkeypatch.setattr(scripts, "_reached", lambda: pytest.fail("talked to Redis"))
    with django_assert_num_queries(0):
        assert enter(visitor(), None) is None


def test_an_inactive_user_stays_out(door, user):
    """Neither a sent code from before nor an authenticator helps."""
    request = visitor()
    code = ask(request)
    give(user)
    type(user).objects.update(is_active=False)
    assert door(request, code) is None
    with time_machine.travel(NOW, tick=False):
        assert door(None, totp(NOW)) is None


def test_the_username_field_works_in_place_of_username(user):
    """`authenticate(request, email=…, otp=…)`, as the contract says."""
    from django.contrib.auth import authenticate

    request = visitor()
    code = ask(request)
    assert authenticate(request, **{user.USERNAME_FIELD: username()}, otp=code) == user


@pytest.mark.user_model("email as username")
@pytest.mark.parametrize("other", ["usér1@example.com", "user1@exämple.com", "ùser1@example.com"])
def test_another_spelling_is_another_name(door, user, other):
    """Accents tell names apart, unless the database's collation finds the user (MariaDB)."""
    give(user, "hotp")
    is_found = bool(IDENTIFYING) and other.endswith("@example.com")
    assert door(None, hotp.code_at(RFC_SECRET, 0), other) == (user if is_found else None)
    assert send_code(None, other) is None
    assert [each.receiver for each in outbox] == [user.email] * is_found
    assert door(None, hotp.code_at(RFC_SECRET, int(is_found))) == user


def test_another_users_code_is_refused(door, user):
    """Alice's code for Alice, never for Bob, in the same flow too."""
    make_user(2)
    request = visitor()
    ask(request, username(2))
    code = ask(request)
    assert door(request, code, username(2)) is None
    assert door(request, code) == user


@pytest.mark.requirement("R28")
def test_a_ciphertext_in_another_row_verifies_nothing(door, user):
    """Mallory writes her own ciphertext into Alice's row, or moves her row to Alice: no login."""
    mallory = make_user(2)
    mine, hers = give(user, secret=hotp.generate_secret()), give(mallory)
    Authenticator.objects.filter(pk=mine.pk).update(secret=hers.secret)
    with time_machine.travel(NOW, tick=False):
        assert door(None, totp(NOW)) is None
        Authenticator.objects.filter(pk=hers.pk).update(user=user)
        assert door(None, totp(NOW)) is None


@pytest.mark.requirement("R28")
def test_a_copy_of_ones_own_ciphertext_in_a_second_row_verifies_nothing(door, user):
    """A used code can't be used again by copying its secret into a row with a fresh mark."""
    first = give(user)
    with time_machine.travel(NOW, tick=False):
        assert door(None, totp(NOW)) == user
        Authenticator.objects.create(user=user, type="totp", secret=first.secret)
        assert door(None, totp(NOW)) is None


def test_one_unreadable_secret_leaves_the_others_working(door, user, caplog):
    """A secret whose key is gone is logged with its key id; another authenticator still works."""
    broken = give(user, secret=hotp.generate_secret())
    Authenticator.objects.filter(pk=broken.pk).update(secret="1.deadbeef.AAAA")
    give(user)
    with time_machine.travel(NOW, tick=False):
        assert door(None, totp(NOW)) == user
    assert "deadbeef" in caplog.text


def test_an_accepted_code_is_cheap(user, django_assert_num_queries):
    """One SELECT and one UPDATE, after the query for the stored spelling on MariaDB."""
    request = visitor()
    code = ask(request)
    with django_assert_num_queries(2 + IDENTIFYING) as queries:
        assert enter(request, code) == user
    kinds = [query["sql"].split()[0] for query in queries]
    assert kinds[IDENTIFYING:] == ["SELECT", "UPDATE"]


def test_a_wrong_code_is_cheap(user, django_assert_num_queries, settings):
    """One SELECT, and one INSERT that counts the guess before the answer is given."""
    request = visitor()
    code = ask(request)
    wrong = f"{(int(code) + 1) % 1_000_000:06d}"
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")
    with django_assert_num_queries(2 + IDENTIFYING) as queries:
        assert enter(request, wrong) is None
    kinds = [query["sql"].split()[0] for query in queries]
    assert kinds[IDENTIFYING:] == ["SELECT", "INSERT"]
