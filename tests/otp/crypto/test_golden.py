"""What is stored stays readable: values that were computed without this package, and edges."""

from base64 import b32decode, b64encode

import pytest

from swap_user.otp.crypto import hotp, keyring, typed
from swap_user.otp.crypto.keyring import Keyring, decode_key, derive_key, key_id
from swap_user.otp.exceptions import EncryptionError
from swap_user.otp.masked import Masked
from tests.support import RFC_SECRET

# By HMAC-SHA256 as in RFC 5869, with a salt of zeros and the info "swap_user.encryption".
DERIVED = bytes.fromhex("8f7b3621a3257895623a9eeb2ecb666e38954a1c43c57023968ac6ff48a64f54")
KEY_ID = "9e4b1dbb"
# The secret "GEZDGNBVGY3TQOJQ" of "owner", by AES-256-GCM with the nonce 00 01 … 0b.
STORED = "1.9e4b1dbb.AAECAwQFBgcICQoLQFMteIKVh6WE6EPMmes_JoCCEMW1V67J92sgtKoWK2E="


@pytest.mark.requirement("R27")
def test_secrets_of_today_are_readable_tomorrow():
    """The key of a SECRET_KEY, its id, and a secret that was stored with it never change."""
    assert derive_key("a" * 50) == DERIVED
    assert key_id(DERIVED) == KEY_ID
    assert Keyring([DERIVED]).decrypt(STORED, associated_data="owner") == "GEZDGNBVGY3TQOJQ"


def test_a_ciphertext_names_its_key():
    """So do the ciphertexts that a prefix finds. A text of another form names none."""
    ring = Keyring([DERIVED])
    assert ring.encrypt("x", associated_data="a").startswith(keyring.prefix(KEY_ID))
    assert STORED.startswith(keyring.prefix(KEY_ID))
    assert keyring.encrypted_with(STORED) == KEY_ID
    for text in ("", "a", "1.9e4b1dbb", "1.9e4b1dbb.a.b", "1.a.b.c"):
        assert keyring.encrypted_with(text) == ""


def test_each_encryption_has_a_nonce_of_its_own():
    """Of twelve bytes, as GCM needs it."""
    ring = Keyring([DERIVED])
    made = {ring.encrypt("x", associated_data="a") for _ in range(100)}
    assert len({keyring.urlsafe_b64decode(each.split(".")[2])[:12] for each in made}) == 100
    assert {len(keyring.urlsafe_b64decode(each.split(".")[2])) for each in made} == {12 + 1 + 16}


@pytest.mark.parametrize("extra", ["!", "\x00", "é", " "])
def test_a_key_with_a_foreign_character_is_refused(extra):
    """It is not read as another key of the right length."""
    text = b64encode(DERIVED).decode()
    with pytest.raises(ValueError, match="is not base64"):
        decode_key(text[:20] + extra + text[20:])


def test_a_ciphertext_of_another_version_is_refused():
    """Even if its key is there."""
    with pytest.raises(EncryptionError, match="version"):
        Keyring([DERIVED]).decrypt("2" + STORED[1:], associated_data="owner")


def test_several_keys_are_shown_by_their_ids():
    """In their order, with a comma between them."""
    other = bytes(32)
    assert repr(Keyring([DERIVED, other])) == f"<Keyring {KEY_ID}, {key_id(other)}>"


@pytest.mark.requirement("R54")
def test_secrets_and_codes_are_masked():
    """A traceback shows none of them."""
    assert isinstance(hotp.generate_secret(), Masked)
    assert isinstance(hotp.code_at(RFC_SECRET, 1), Masked)
    assert isinstance(hotp.normalize("123456"), Masked)
    assert isinstance(Keyring([DERIVED]).decrypt(STORED, associated_data="owner"), Masked)
    assert isinstance(typed.simplify("x"), Masked)
    assert isinstance(typed.simplify(None), Masked)


@pytest.mark.requirement("R2")
@pytest.mark.parametrize(("algorithm", "size"), [("SHA1", 20), ("SHA256", 32), ("SHA512", 64)])
def test_a_secret_has_the_length_of_its_hash(algorithm, size):
    """As RFC 6238 section 5.1 recommends."""
    assert len(b32decode(hotp.generate_secret(algorithm))) == size


def test_the_longest_text_that_is_read():
    """It has 64 characters; of a longer one, nothing is read."""
    assert typed.simplify("1" * 64) == "1" * 64
    assert typed.simplify("1" * 65) == ""


@pytest.mark.parametrize("mark", [" ", "-", "\u2212", "\u200b", "\u0600", "\t", "\u3000"])
def test_what_is_left_out_of_a_typed_code(mark):
    """Spaces, dashes, invisible characters, and signs that only format numbers."""
    assert typed.simplify(f"{mark}123{mark}456{mark}") == "123456"


def test_the_shortest_and_the_longest_code():
    """Six and ten digits are codes; five and eleven are not."""
    assert [hotp.normalize("1" * length) is not None for length in (5, 6, 10, 11)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_secret_is_decoded_once(monkeypatch):
    """Many codes of a secret are compared with one guess."""
    decoded = []
    real = hotp.pyotp.HOTP.byte_secret
    monkeypatch.setattr(
        hotp.pyotp.HOTP, "byte_secret", lambda self: (decoded.append(1), real(self))[1]
    )
    codes = hotp.HOTP(RFC_SECRET)
    assert [codes.at(counter) for counter in range(3)] == ["755224", "287082", "359152"]
    assert len(decoded) == 1
