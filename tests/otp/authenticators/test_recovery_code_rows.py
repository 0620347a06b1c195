"""The rows of recovery codes: whose they are, which one is chosen, and what is never shown."""

from __future__ import annotations

import copy
from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db.models.signals import post_init
from django.utils import timezone

from swap_user.models import PendingUpgrade, RecoveryCode
from swap_user.otp import generate_recovery_codes, remaining_recovery_codes
from swap_user.otp.authenticators import recovery_codes, upgrades
from swap_user.otp.authenticators.recovery_codes import (
    Match,
    build_missing_rows,
    choose,
    is_stale,
    normalize,
    rows_of,
)
from swap_user.otp.authenticators.secrets import keyring, sent_authenticator
from swap_user.users import lookup
from tests.support import configure, give, make_user, username

pytestmark = pytest.mark.django_db

K1, K2 = (b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))

# The code below of the user 7, by PBKDF2 with 10,000 iterations, and by AES-256-GCM with K1, the
# nonce 00 01 … 0b, and "recovery code|7".
CODE = "7K2M9QXD0VBE3HJT"
HASH = (
    "pbkdf2_sha256$10000$0123456789abcdef0123456789abcdef$"
    "n51+69X5CxpCBiWImYGykX5uZnw3oSI3iqkvcIk3D+g="
)
STORED = (
    "aead$1$0$1.70d18b56.AAECAwQFBgcICQoLy8T-QkbMWQqWC9XxFk35k572Wy7FoHczRf8Ot5m-XNAxt7_C"
    "QfIgmz5iMqLJOeHhNZM1QWLNQrTvyeNY9BV10hhNlp7k9Td1D-8nG0RfDo45FiKtx82MyTH7nYBVQMAxbkBIlwm8"
    "4hxRfoNgMXNtnOE="
)


@pytest.fixture(autouse=True)
def _nothing_known(monkeypatch):
    """A new process does not know which steps are finished."""
    monkeypatch.setattr(upgrades, "_finished", set())


@pytest.fixture
def salts(monkeypatch) -> list[str]:
    """The salt of each hash that is computed."""
    used: list[str] = []
    original = recovery_codes._hash

    def recorded(code: str, salt: str) -> str:
        used.append(salt)
        return original(code, salt)

    monkeypatch.setattr(recovery_codes, "_hash", recorded)
    return used


def rows(user: Any) -> list[RecoveryCode]:
    return list(RecoveryCode.objects.filter(user=user).order_by("pk"))


@pytest.mark.requirement("R46")
def test_a_row_of_an_earlier_version_is_readable(settings):
    """The form of a hash, and what its ciphertext is bound to, never change."""
    configure(settings, OTP_ENCRYPTION_KEYS=[K1])
    row = RecoveryCode(user_id=7, code=STORED)
    match = choose(CODE, [row])
    assert match is not None
    assert (match.row, match.hashed) == (row, HASH)
    assert choose(CODE, [RecoveryCode(user_id=8, code=STORED)]) is None


@pytest.mark.parametrize(("letter", "digit"), [("O", "0"), ("I", "1"), ("L", "1"), ("l", "1")])
def test_a_letter_is_read_as_the_digit_it_looks_like(letter, digit):
    """In any place, and the code keeps its length."""
    assert normalize(f"{letter}7K2-M9QX-D0VB-E3H{letter}") == f"{digit}7K2M9QXD0VBE3H{digit}"


def test_the_rows_of_one_user(user):
    """Neither the codes nor the app of another user are among them."""
    other = make_user(2)
    for each in (user, other):
        generate_recovery_codes(each)
        sent_authenticator(each)
    give(other)
    for number, owner, enrolled in ((1, user, False), (2, other, True)):
        found = list(rows_of(lookup.named(username(number))))
        assert len(found) == 10
        assert {(each.user, each.enrolled) for each in found} == {(owner, enrolled)}


def test_the_codes_of_another_user_are_not_counted(user):
    """Nor are used codes."""
    generate_recovery_codes(user)
    generate_recovery_codes(make_user(2))
    RecoveryCode.objects.filter(pk=rows(user)[0].pk).update(used_at=timezone.now())
    assert remaining_recovery_codes(user) == 9


@pytest.mark.requirement("R31")
@pytest.mark.parametrize("used", [0, 1])
def test_a_code_is_used_if_one_of_its_rows_is(user, used):
    """Whichever row comes first."""
    code = normalize(generate_recovery_codes(user)[3])
    row = rows(user)[3]
    pair = [row, copy.copy(row)]
    pair[used].used_at = timezone.now()
    match = choose(code, [*rows(user)[:3], *pair])
    assert match is not None
    assert match.row is pair[used]


@pytest.mark.requirement("R31")
def test_a_set_is_replaced_as_a_whole(user, monkeypatch):
    """If the new codes can't be stored, the old ones are still there."""
    generate_recovery_codes(user)
    before = rows(user)

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_create", fail)
    with pytest.raises(RuntimeError):
        generate_recovery_codes(user)
    assert rows(user) == before


@pytest.mark.requirement("R29")
def test_a_row_is_stale_if_its_key_is_not_the_first(user, settings):
    """It stays stale until it is encrypted again. A plain hash is stale with any key."""
    configure(settings, OTP_ENCRYPTION_KEYS=[K1])
    generate_recovery_codes(user)
    row = rows(user)[0]
    assert is_stale(row) is False
    configure(settings, OTP_ENCRYPTION_KEYS=[K2, K1])
    assert is_stale(row) is True
    recovery_codes.reseal(row)
    assert is_stale(row) is False
    assert is_stale(RecoveryCode(user=user, code=HASH)) is True


# --- What does not reveal whether there are codes -------------------------------------------------


@pytest.mark.requirement("R33")
def test_made_up_hashes_have_the_size_of_real_ones(user, salts):
    """So they take the same time."""
    generate_recovery_codes(user)
    real = rows(user)
    choose(CODE, real)
    choose(CODE, [])
    made_up = recovery_codes._made_up_code(keyring())
    assert {len(salt) for salt in salts} == {32}
    assert {len(row.code) for row in real} == {len(made_up)}


@pytest.mark.requirement("R33")
def test_a_malformed_row_costs_nothing(user, salts):
    """During an upgrade too, one hash is computed, and the other codes work."""
    name = upgrades.RECOVERY_CODES
    PendingUpgrade.objects.create(name=name, seal=upgrades.sealed_state(name))
    code = normalize(generate_recovery_codes(user)[1])
    found = rows(user)
    found[0].code = "no$hash"
    choose(code, found)  # what is made up is made once
    salts.clear()
    match = choose(code, found)
    assert match is not None
    assert match.row is found[1]
    assert len(salts) == 1


@pytest.mark.requirement("R33")
@pytest.mark.parametrize(("number", "missing"), [(0, 10), (3, 7), (10, 0), (20, 0)])
def test_missing_rows_are_made_up_with_their_users(number, missing):
    """As many as are missing from a complete set."""
    made: list[str] = []

    def receiver(sender: Any, **kwargs: Any) -> None:
        made.append(sender.__name__)

    senders = (RecoveryCode, get_user_model())
    for sender in senders:
        post_init.connect(receiver, sender=sender)
    try:
        build_missing_rows(number)
    finally:
        for sender in senders:
            post_init.disconnect(receiver, sender=sender)
    assert sorted(made) == sorted([each.__name__ for each in senders] * missing)


# --- What is never shown --------------------------------------------------------------------------


@pytest.mark.requirement("R54")
def test_codes_and_hashes_are_not_shown(user):
    """Neither the new codes nor a match show them, as a traceback would."""
    codes = generate_recovery_codes(user)
    match = Match(RecoveryCode(user=user, code=STORED), HASH)
    shown = repr([codes, match])
    assert not any(text in shown for text in (*map(str.__str__, codes), HASH))


@pytest.mark.requirement("R54")
def test_no_code_is_in_a_traceback(user, monkeypatch):
    """An error while the codes are stored shows none of them as a local variable."""
    monkeypatch.setattr(recovery_codes.secrets, "choice", lambda alphabet: "7")

    def fail(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("no room")

    monkeypatch.setattr("django.db.models.query.QuerySet.bulk_create", fail)
    with pytest.raises(RuntimeError) as caught:
        generate_recovery_codes(user)
    frames = [each.frame for each in caught.traceback if "swap_user" in str(each.path)]
    variables = [frame.f_locals for frame in frames if "raw" in frame.f_locals]
    assert len(variables) == 1
    assert len(variables[0]["raw"]) == 10
    assert "7777" not in repr(variables[0])


@pytest.mark.parametrize("text", ["é$1$salt$h", "a$1$é$h", "é", "$$$", ""])
def test_a_plain_row_that_is_no_hash(user, monkeypatch, text):
    """It matches nothing, and the other codes of the user still work."""
    monkeypatch.setattr(upgrades, "is_pending", lambda name: True)
    code, *_ = generate_recovery_codes(user)
    odd = RecoveryCode.objects.create(user=user, code=text)
    rows = list(RecoveryCode.objects.filter(user=user))
    match = choose(normalize(code), rows)
    assert match is not None
    assert match.row != odd
    assert choose("0" * 16, rows) is None
