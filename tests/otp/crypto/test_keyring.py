"""Encryption: what it hides, what it refuses, and how keys follow one another."""

import hmac
import os
from base64 import b64encode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import open_secret
from swap_user.otp.crypto.keyring import Keyring, decode_key, derive_key, encrypted_with, key_id
from swap_user.otp.exceptions import EncryptionError, MissingKey

K1, K2 = os.urandom(32), os.urandom(32)


@given(st.text(), st.text())
def test_round_trip(plaintext, owner):
    """What was encrypted for an owner decrypts for that owner."""
    ring = Keyring([K1])
    assert ring.decrypt(ring.encrypt(plaintext, associated_data=owner), associated_data=owner) == (
        plaintext
    )


@pytest.mark.requirement("R27")
def test_ciphertext_shows_nothing():
    """Neither the secret nor a repetition can be seen, and repr shows key ids alone."""
    ring = Keyring([K1])
    first = ring.encrypt("GEZDGNBVGY3TQOJQ", associated_data="a")
    assert "GEZDGNBV" not in first
    assert first != ring.encrypt("GEZDGNBVGY3TQOJQ", associated_data="a")
    assert repr(ring) == f"<Keyring {key_id(K1)}>"


@pytest.mark.requirement("R28")
def test_another_owner_is_refused():
    """A ciphertext does not decrypt for another owner."""
    ring = Keyring([K1])
    with pytest.raises(EncryptionError):
        ring.decrypt(ring.encrypt("secret", associated_data="alice"), associated_data="bob")


def test_every_altered_character_is_refused():
    """Changing any one character of the payload makes it unreadable."""
    ring = Keyring([K1])
    text = ring.encrypt("secret", associated_data="a")
    start = text.rindex(".") + 1
    for position in range(start, len(text)):
        other = "A" if text[position] != "A" else "B"
        altered = text[:position] + other + text[position + 1 :]
        if altered.rstrip("=") == text.rstrip("="):
            continue  # padding
        try:
            plain = ring.decrypt(altered, associated_data="a")
        except EncryptionError:
            continue
        # The last character before padding carries bits that base64 leaves unused.
        assert plain == "secret"
        assert position >= len(text.rstrip("=")) - 1


@pytest.mark.parametrize("text", ["", "x", "1..", "1.0.0.0", "9.abcdefab.AAAA", None, "1.é.ü"])
def test_what_is_no_ciphertext_is_refused(text):
    """Anything else raises EncryptionError and nothing else."""
    with pytest.raises(EncryptionError):
        Keyring([K1]).decrypt(text, associated_data="a")


def test_keys_follow_one_another():
    """[k1], then [k2, k1]: the old still opens, the new is written with k2, which then suffices."""
    old = Keyring([K1]).encrypt("secret", associated_data="a")
    both = Keyring([K2, K1])
    assert both.decrypt(old, associated_data="a") == "secret"
    new = both.encrypt("secret", associated_data="a")
    assert Keyring([K2]).decrypt(new, associated_data="a") == "secret"
    with pytest.raises(MissingKey) as caught:
        Keyring([K2]).decrypt(old, associated_data="a")
    assert caught.value.key_id == key_id(K1)
    assert key_id(K1) in str(caught.value)


def test_keys_are_written_in_either_base64():
    """Both alphabets are read, and spaces around."""
    key = b"\xfb\xff" * 16
    assert decode_key(b64encode(key).decode()) == key
    assert decode_key(f" {urlsafe_b64encode(key).decode()}\n") == key


@pytest.mark.parametrize("text", ["", "short", "!" * 44, b64encode(b"x" * 31).decode()])
def test_a_bad_key_is_told_without_being_repeated(text):
    """The message says what is wrong, never what the key is."""
    with pytest.raises(ValueError, match=r"is not base64|decodes to \d+ bytes") as caught:
        decode_key(text)
    assert not text or text not in str(caught.value)


def test_derived_keys_differ_from_their_source():
    """A key from SECRET_KEY has 32 bytes, depends on it, and is the same each time."""
    assert derive_key("a" * 50) == derive_key(b"a" * 50)
    assert len(derive_key("a" * 50)) == 32
    assert derive_key("a" * 50) != derive_key("b" * 50)


def test_an_empty_ring_is_refused():
    """Without a key there is nothing to encrypt with."""
    with pytest.raises(ValueError, match="at least one key"):
        Keyring([])


# What an earlier version has stored: a secret of RFC 4226 in a row with this id, user and type.
GOLDEN_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
GOLDEN_ROW = "6f1c1f0c-5b0c-4d57-9a3c-5d4d6a1e1c60|7|totp"
GOLDEN_SECRET_KEY = "a secret key of a project, fifty characters long ...."
GOLDEN = {
    "configured key": (
        bytes(range(32)),
        "1.f4fb4af3.AAECAwQFBgcICQoLAEeMX4KrgE3KGKTf4KYyPMST3XC3NR0qfz7W0UwmSuOJ7JgiJmnWlrBKEPHv--gf",
    ),
    "SECRET_KEY": (
        derive_key(GOLDEN_SECRET_KEY),
        "1.413961c2.AAECAwQFBgcICQoLsbpilIX1Ua4wWi1jGullpXgTGqi8upnnMDFxA1mTH88c_TaMjY4AzuNStG4g7_JD",
    ),
}


@pytest.mark.requirement("R27", "R29")
@pytest.mark.parametrize(("key", "stored"), GOLDEN.values(), ids=GOLDEN)
def test_what_is_stored_can_be_read_by_every_later_version(key, stored):
    """Another derivation, id, format or cipher would make all stored secrets unreadable."""
    assert Keyring([key]).decrypt(stored, associated_data=GOLDEN_ROW) == GOLDEN_SECRET
    assert encrypted_with(stored) == Keyring([key]).primary_id


@pytest.mark.requirement("R28")
def test_a_stored_secret_and_its_row(settings):
    """The associated data is that of the row of an authenticator."""
    settings.SECRET_KEY = GOLDEN_SECRET_KEY
    row = Authenticator(id=GOLDEN_ROW[:36], user_id=7, type="totp", secret=GOLDEN["SECRET_KEY"][1])
    assert open_secret(row) == GOLDEN_SECRET
    row.user_id = 8
    with pytest.raises(EncryptionError):
        open_secret(row)


def test_the_derivation_is_that_of_rfc_5869():
    """HKDF with SHA-256, without a salt, for this purpose."""
    extracted = hmac.digest(bytes(32), b"material", "sha256")
    assert derive_key(b"material") == hmac.digest(extracted, b"swap_user.encryption\x01", "sha256")
