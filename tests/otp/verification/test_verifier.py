"""Verification: who gets in with which code, through both doors of the backend."""

import unicodedata

import pytest
import time_machine
from django.db import OperationalError, transaction
from django.db.models.signals import post_init
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from swap_user.models import Authenticator, KnownBrowser, RecoveryCode, WrongGuess
from swap_user.otp import LoginUnavailable, generate_recovery_codes, send_code
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.authenticators.queries import AuthenticatorQuery
from swap_user.otp.challenges import resync
from swap_user.otp.crypto import hotp
from swap_user.otp.delivery.events import after_wrong_guess
from swap_user.otp.store import keys, scripts
from swap_user.otp.verification import verifier
from swap_user.otp.verification.outcomes import Outcome
from swap_user.otp.verification.verifier import verify
from swap_user.otp.visitors.known_browsers import Browser
from swap_user.otp.visitors.visitor import Visitor
from swap_user.otp.visitors.visitor import visitor as visitor_of
from swap_user.testing import outbox, wait_for_deliveries
from swap_user.users import lookup
from tests.support import (
    IDENTIFYING,
    RFC_SECRET,
    ask,
    configure,
    enter,
    give,
    make_user,
    totp,
    use_policy,
    username,
    visitor,
)
from tests.work import RecordingDispatcher, observed

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


def account_key(number=1):
    """Return the account key of a username."""
    return keys.account_key(username(number))


def wrong_code(*right):
    """Return a code that an app with the known secret does not show around NOW."""
    right = {*right, *(totp(NOW + 30 * step) for step in range(-1, 2))}
    return next(code for code in map(str, range(100_000, 100_009)) if code not in right)


def spend(user):
    """Let strangers have no guess left."""
    WrongGuess.objects.create(user=user, at=NOW, units=64, is_known=False)


def test_the_outcome_of_an_attempt(user, clock):
    """The user and the factor of a right code; of another one, only the account that was tried."""
    give(user)
    recovery_code, request = generate_recovery_codes(user)[0], visitor()
    codes = {"sent": ask(request), "authenticator": totp(NOW), "recovery": recovery_code}
    for factor, code in codes.items():
        found = verify(username(), code, visitor_of(request))
        is_first = factor == "sent"  # no code was accepted before it
        assert found == Outcome(user, account_key(), False, None, frozenset({factor}), is_first)
    for code in (wrong_code(), "1" * 10, "0" * 16, "no code"):
        assert verify(username(), code, Visitor()) == Outcome(
            None, account_key(), False, None, frozenset()
        )


def test_the_account_has_the_stored_name(user, clock, monkeypatch):
    """The database or a manager may find a user whose name was typed in another way."""
    give(user)
    monkeypatch.setattr(lookup, "identify", lambda name: username())
    found = verify("another spelling", totp(NOW), Visitor())
    assert (found.user, found.account_key) == (user, account_key())


@pytest.mark.parametrize("code", ["123456", "0" * 16])
def test_a_limit_of_the_visitor(user, settings, code):
    """The outcome says which one is reached; a recovery code is not limited."""
    configure(settings, OTP_LIMITS={"guesses_per_address": "0/1h"})
    found = verify(username(), code, Visitor(address="203.0.113.7"))
    assert (found.user, found.account_key) == (None, account_key())
    assert getattr(found.limited, "scope", None) == ("address" if code == "123456" else None)


@pytest.mark.requirement("R43")
@pytest.mark.parametrize("code", ["123456", "0" * 16])
def test_a_database_that_goes_away(user, monkeypatch, code):
    """The login is unavailable if the rows can't be read."""

    def away(*args):
        raise OperationalError("away")

    monkeypatch.setattr(AuthenticatorQuery, "run", away)
    monkeypatch.setattr(recovery_codes, "rows_of", away)
    with pytest.raises(LoginUnavailable):
        verify(username(), code, Visitor())


def test_rows_of_a_user_with_a_similar_name(user, clock, monkeypatch):
    """Some collations find them for another name; they let no user in under it."""
    make_user(2)
    give(user)
    code = generate_recovery_codes(user)[0]
    run, rows_of = AuthenticatorQuery.run, recovery_codes.rows_of
    alike = {username(2): username()}

    def similar(query):
        query._username = alike.get(query._username, query._username)
        return run(query)

    monkeypatch.setattr(AuthenticatorQuery, "run", similar)
    monkeypatch.setattr(recovery_codes, "rows_of", lambda users: rows_of(lookup.named(username())))
    for each in (totp(NOW), code):
        assert verify(username(2), each, Visitor()).user is None
        assert verify(username(), each, Visitor()).user == user


@pytest.mark.requirement("R19")
@pytest.mark.parametrize(
    ("has_cookie", "has_row", "known_units", "begun_as"),
    [
        (False, False, 0, [False]),
        (True, True, 0, [True]),
        (True, True, 200, [True, False]),
        (True, False, 0, [True, False]),
    ],
)
@pytest.mark.parametrize("is_spent", [False, True])
def test_as_what_an_attempt_begins(
    user, clock, monkeypatch, has_cookie, has_row, known_units, begun_as, is_spent
):
    """As that of a known browser, and again as that of a stranger if it is none or has no guess."""
    give(user)
    browser = Browser("id", [account_key()])
    if has_row:
        KnownBrowser.objects.create(user=user, browser=browser.hash)
    if known_units:
        WrongGuess.objects.create(user=user, at=NOW, units=known_units, is_known=True)
    if is_spent:
        spend(user)
    begin, seen = verifier.begin, []

    def noted(claim, code, *, is_known):
        seen.append(is_known)
        return begin(claim, code, is_known=is_known)

    monkeypatch.setattr(verifier, "begin", noted)
    found = verify(username(), totp(NOW), Visitor(browser=browser if has_cookie else None))
    assert seen == begun_as
    assert (found.user is None) == (is_spent and not seen[-1])
    assert found.known is (has_row and found.user is not None)


@pytest.mark.requirement("R19")
def test_ten_digits(user, clock):
    """They are accepted when no guess is left, and no wrong guess at them is stored."""
    give(user)
    spend(user)
    request = visitor()
    code = ask(request)
    assert len(code) == 10
    wrong = f"{(int(code) + 1) % 10**10:010}"
    assert verify(username(), wrong, visitor_of(request)).user is None
    assert WrongGuess.objects.count() == 1
    assert verify(username(), code, visitor_of(request)).user == user


@pytest.mark.requirement("R16")
def test_the_units_of_a_wrong_guess(user, clock):
    """The number of codes that are right now; used ones are not."""
    secrets = [letter * 32 for letter in "ABCDE"]
    for secret in secrets:
        give(user, secret=secret, consumed=NOW // 30)
    codes = [hotp.code_at(each, NOW // 30 + step) for each in secrets for step in (-1, 0, 1)]
    assert verify(username(), wrong_code(*codes), Visitor()).user is None
    assert WrongGuess.objects.get().units == 5


@pytest.mark.requirement("R12", "R16")
@pytest.mark.parametrize("is_spent", [False, True])
def test_a_code_far_ahead_is_remembered_only_if_a_guess_is_left(user, clock, is_spent):
    """Otherwise it would tell which codes are right."""
    give(user, "hotp")
    if is_spent:
        spend(user)
    assert verify(username(), hotp.code_at(RFC_SECRET, 50), Visitor()).user is None
    with scripts._reached() as client:
        assert client.exists(resync.far_code_key(account_key())) == (not is_spent)


def test_a_sent_code_is_no_app(user, clock, settings):
    """A user without an app may log in with it under a policy that then requires the app."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    request = visitor()
    assert verify(username(), ask(request), visitor_of(request)).user == user
    code = ask(request)
    give(user)
    assert verify(username(), code, visitor_of(request)).user is None


@pytest.mark.requirement("R33")
def test_a_wrong_code_is_as_much_work_for_all(user, clock):
    """As many secrets are decrypted and as many codes computed, whether or not there is a user."""
    app_only = make_user(2)
    give(app_only)
    ask(None)
    give(user)
    wrong = wrong_code(*(sent.otp for sent in outbox))
    done = []
    for number in (3, 1, 2, 3):  # the first one fills caches
        with observed() as work:
            assert verify(username(number), wrong, Visitor()).user is None
        done.append(work.done)
    assert done[1] == done[2] == done[3]
    assert done[1]["AES-GCM"] == 2


@pytest.mark.requirement("R33")
@pytest.mark.parametrize("rows", [0, 3, 10])
def test_a_wrong_recovery_code_is_as_much_work_for_all(user, rows):
    """As many instances are created as for a complete set."""
    generate_recovery_codes(user)
    kept = RecoveryCode.objects.values_list("pk", flat=True)[:rows]
    RecoveryCode.objects.exclude(pk__in=list(kept)).delete()
    created = []

    def receiver(instance, **kwargs):
        created.append(instance)

    post_init.connect(receiver, RecoveryCode)
    try:
        assert verify(username(), "0" * 16, Visitor()).user is None
    finally:
        post_init.disconnect(receiver, RecoveryCode)
    assert len(created) == 10


@pytest.mark.requirement("R33", "R37")
@pytest.mark.parametrize("number", [1, 2])
def test_a_wrong_guess_has_a_job(user, clock, settings, monkeypatch, number):
    """Whether or not there is a user, and although the caller rolls back."""
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")
    monkeypatch.setattr(RecordingDispatcher, "waiting", [])
    with transaction.atomic():
        assert verify(username(number), wrong_code(), Visitor()).user is None
        transaction.set_rollback(True)
    assert wait_for_deliveries()
    (job,) = RecordingDispatcher.waiting
    assert (job.func, job.args) == (after_wrong_guess, (username(number), "en-us", "00004"))
