"""Recovery codes: long, hashed, used once, replaced as a set."""

import logging
import math

import pytest
from django.core import mail

from swap_user.models import RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.otp.authenticators import recovery_codes
from swap_user.signals import recovery_code_used
from tests.otp.verification.test_consumption import race
from tests.support import IDENTIFYING, enter, make_user, username, visitor

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.requirement("R31")
def test_a_set_is_ten_codes_of_64_bits_and_more(user):
    """Ten, all different, grouped, of an alphabet without look-alikes, each letter as likely."""
    codes = generate_recovery_codes(user)
    assert len(set(codes)) == len(codes) == 10
    letters = recovery_codes.ALPHABET
    assert len(set(letters)) == len(letters)
    assert recovery_codes.LENGTH * math.log2(len(letters)) >= 64
    for code in codes:
        assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
        assert not set(code) & set("ILOU")


@pytest.mark.requirement("R31")
def test_each_lets_its_owner_in_once(door, user):
    """Every code of the set works, and none of them twice."""
    codes = generate_recovery_codes(user)
    assert [door(visitor(), code) for code in codes] == [user] * 10
    assert [door(visitor(), code) for code in codes] == [None] * 10


@pytest.mark.requirement("R31")
def test_fifty_threads_with_one_recovery_code(user):
    """Fifty offers at once: one login."""
    code = generate_recovery_codes(user)[0]
    assert sorted(map(bool, race([lambda: enter(None, code)] * 50))) == [False] * 49 + [True]


@pytest.mark.requirement("R31")
def test_a_new_set_replaces_the_old(user):
    """No code of the first set works any more, used or not."""
    first = generate_recovery_codes(user)
    enter(None, first[0])
    second = generate_recovery_codes(user)
    assert recovery_codes.remaining_recovery_codes(user) == 10
    assert [enter(None, code) for code in first] == [None] * 10
    assert enter(None, second[0]) == user


@pytest.mark.requirement("R31")
def test_they_are_stored_hashed_and_salted(user):
    """The database holds no code and no hash, and two users' sets have different salts."""
    codes = generate_recovery_codes(user) + generate_recovery_codes(make_user(2))
    stored = list(RecoveryCode.objects.values_list("code", flat=True))
    hashes = [recovery_codes._open(row, plain=False) for row in RecoveryCode.objects.all()]
    assert len({hashed.split("$")[2] for hashed in hashes}) == 2
    assert not any("pbkdf2" in text for text in stored)
    for code in codes:
        for text in (code, code.replace("-", ""), code.lower()):
            assert text not in " ".join(stored)
    assert codes[0] not in repr(RecoveryCode.objects.first()) + str(RecoveryCode.objects.first())


@pytest.mark.parametrize(
    "write",
    [
        str.lower,
        lambda code: code.replace("-", ""),
        lambda code: code.replace("-", " "),
        lambda code: f"  {code}\n",
        lambda code: code.replace("0", "O").replace("1", "l"),
        lambda code: code.replace("-", "–"),
    ],
)
def test_what_people_type_is_forgiven(user, write):
    """Case, spaces, dashes and look-alikes."""
    assert enter(None, write(generate_recovery_codes(user)[0])) == user


@pytest.mark.parametrize(
    "typed", ["", "-" * 16, "U" * 16, "A" * 15, "A" * 17, "A" * 10_000, "ß" * 16]
)
def test_what_is_no_recovery_code(user, typed):
    """Refused, and no exception."""
    generate_recovery_codes(user)
    assert recovery_codes.normalize(typed) is None
    assert enter(None, typed) is None


def test_another_users_code_is_refused(user):
    """And stays usable for its owner."""
    other = make_user(2)
    code = generate_recovery_codes(other)[0]
    generate_recovery_codes(user)
    assert enter(None, code) is None
    assert enter(None, code, username(2)) == other


def test_an_inactive_user_stays_out_and_keeps_the_code(user):
    """Refused, and not used up."""
    code = generate_recovery_codes(user)[0]
    type(user).objects.update(is_active=False)
    assert enter(None, code) is None
    type(user).objects.update(is_active=True)
    assert enter(None, code) == user


def test_the_owner_is_told_how_many_are_left(user):
    """By a signal and a message, and neither repeats the code."""
    heard = []

    def receiver(sender, user, remaining, **kwargs):
        heard.append((sender, user, remaining))

    code = generate_recovery_codes(user)[0]
    mail.outbox.clear()
    recovery_code_used.connect(receiver)
    try:
        enter(None, code)
    finally:
        recovery_code_used.disconnect(receiver)
    assert heard == [(RecoveryCode, user, 9)]
    if hasattr(user, "email"):
        (message,) = mail.outbox
        assert "9 codes are left" in message.body
        assert code not in message.body


@pytest.mark.requirement("R41")
def test_no_recovery_code_is_in_the_log(user, caplog):
    """Accepted, wrong and used: the log says which, never the code."""
    with caplog.at_level(logging.DEBUG):
        code = generate_recovery_codes(user)[0]
        enter(None, code)
        enter(None, code)
        enter(None, "A" * 16)
    assert "factor=recovery" in caplog.text
    assert code not in caplog.text
    assert code.replace("-", "") not in caplog.text


@pytest.mark.parametrize("right", [True, False])
def test_a_recovery_code_is_cheap(user, settings, django_assert_max_num_queries, right):
    """One SELECT; a right one adds the UPDATE. (The message to the owner is another thread's.)"""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_NOTICES": []}
    code, other, *_ = generate_recovery_codes(user)
    assert enter(None, other) == user  # a process asks once whether the upgrade is finished
    with django_assert_max_num_queries((2 if right else 1) + IDENTIFYING):
        assert enter(None, code if right else "A" * 16) == (user if right else None)
