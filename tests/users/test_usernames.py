"""Usernames: one identity, whatever the case or form."""

import sys
import unicodedata

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from phonenumber_field.phonenumber import PhoneNumber

from swap_user.otp.store import keys
from swap_user.users import usernames
from swap_user.users.phone import normalize_phone
from swap_user.users.usernames import normalize, normalize_email, stored, validate
from tests.support import username

KIND = get_user_model().USERNAME_FIELD

# Phone number rules are read from disk at first use: no single example must be fast.
patiently = hypothesis_settings(deadline=None)

ANYTHING = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(max_size=50),
    st.lists(st.text(max_size=5), max_size=3),
    # Lone surrogates and NUL among them.
    st.text(st.characters(exclude_categories=()), max_size=60),
    st.text("0123456789+-() \u0660\uff11\uff0b", max_size=30),
)


# --- Any text -------------------------------------------------------------------------------------


@pytest.mark.requirement("R14")
@patiently
@given(ANYTHING)
def test_normalize_never_raises(value):
    """Whatever is offered as a username, the answer is text that every database takes."""
    name = normalize(value)
    assert isinstance(name, str)
    name.encode()
    assert "\x00" not in name
    if not isinstance(value, str):
        assert name == ""


@patiently
@given(ANYTHING)
@example("\u00b4")  # NFKC begins with a space
def test_normalize_is_idempotent(value):
    """A canonical username stays as it is."""
    assert normalize(normalize(value)) == normalize(value)


@pytest.mark.requirement("R14")
@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        b"alice@example.com",
        42,
        4.2,
        ["alice@example.com"],
        "alice\x00@example.com",
        "+49151\x0012345001",
        "\ud800@example.com",
        "a" * 300 + "@example.com",
        "\ufdfa" * 300,  # NFKC makes 18 characters of each
        "9" * 10_000_000,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_normalize_refuses_what_can_not_be_a_username(value):
    """What no account can be called is the empty name."""
    assert normalize(value) == ""


def test_normalize_keeps_a_plain_username():
    """A username in its canonical form is returned as it is."""
    assert normalize(username()) == username()


def test_normalize_asks_the_active_model(monkeypatch):
    """The model in use decides the form, whatever model that is."""
    monkeypatch.setattr(get_user_model(), "normalize_username", lambda name: name[::-1])
    for method in ("to_python", "get_prep_value"):
        monkeypatch.setattr(usernames.username_field(get_user_model()), method, str)
    assert normalize("abc") == "cba"


def test_normalize_survives_a_model_that_raises(monkeypatch):
    """A model that is picky about its usernames refuses this one, no more."""

    def picky(name):
        raise ValueError

    monkeypatch.setattr(get_user_model(), "normalize_username", picky)
    assert normalize(username()) == ""


# --- Email addresses ------------------------------------------------------------------------------


@patiently
@given(st.text(st.characters(exclude_categories=())))
@example("\u00a8")  # NFKC begins with a space
@example("\u0386\u0345")  # lower case leaves NFKC
@example("\u0130\u0323")
@example("A\u03a3 ")
def test_normalize_email_is_idempotent(text):
    """Normalizing what is normalized changes nothing."""
    assert normalize_email(normalize_email(text)) == normalize_email(text)


def test_normalize_email_is_idempotent_for_every_character():
    """The same, for all of Unicode and not a sample."""
    for code in range(sys.maxunicode + 1):
        once = normalize_email(chr(code))
        assert normalize_email(once) == once, hex(code)


@patiently
@given(st.text(st.characters(max_codepoint=127), min_size=1))
def test_normalize_email_ignores_the_case_of_ascii(text):
    """Upper, lower and mixed case are one address."""
    assert normalize_email(text.upper()) == normalize_email(text.lower())


@patiently
@given(st.text())
def test_normalize_email_ignores_the_form(text):
    """Composed and decomposed letters are one address."""
    composed = unicodedata.normalize("NFC", text)
    decomposed = unicodedata.normalize("NFD", text)
    assert normalize_email(composed) == normalize_email(decomposed)


def test_normalize_email_leaves_a_huge_text_unread():
    """Megabytes cost nothing."""
    huge = "\u00c4" * 10_000_000
    assert normalize_email(huge) is huge


@pytest.mark.parametrize(
    "typed",
    ["ALICE@X.COM", " alice@x.com\n", "\uff21lice@x.com", "alice@x\uff0ecom"],
)
def test_normalize_email_examples(typed):
    """Case, spaces around, full-width letters: one address."""
    assert normalize_email(typed) == "alice@x.com"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("m\u0131ke@example.com", "mike@example.com"),  # dotless i, CVE-2019-19844
        ("stra\u00dfe@example.com", "strasse@example.com"),
        ("\u0430lice@example.com", "alice@example.com"),  # Cyrillic a
        ("alice+a@example.com", "alice@example.com"),
        ("a.lice@example.com", "alice@example.com"),
    ],
)
def test_normalize_email_keeps_different_addresses_apart(one, other):
    """Addresses that a mail server may tell apart stay apart."""
    assert normalize_email(one) != normalize_email(other)


@pytest.mark.user_model("email as username")
def test_normalize_on_an_email_model():
    """On an email model the canonical name is the canonical address."""
    assert normalize(" Alice@X.COM ") == "alice@x.com"


# --- Phone numbers --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed",
    [
        "+4915112345001",
        " +49 151 12345-001 ",
        "+49 (0) 151 12345001",
        "tel:+49-151-12345001",
        "\uff0b\uff14\uff1915112345001",  # full-width
        "+\u0664\u066915112345001",  # Arabic-Indic
    ],
)
def test_normalize_phone_reads_any_notation(typed):
    """Spaces, dashes, brackets and any script's digits: one number."""
    assert normalize_phone(typed) == "+4915112345001"


def test_normalize_phone_reads_a_region(settings):
    """A national number needs a country: the field's or the project's."""
    assert normalize_phone("0151 12345001") == "0151 12345001"
    assert normalize_phone("0151 12345001", "DE") == "+4915112345001"
    settings.PHONENUMBER_DEFAULT_REGION = "DE"
    assert normalize_phone("0151 12345001") == "+4915112345001"


def test_normalize_phone_takes_a_phone_number(settings):
    """A PhoneNumber is E.164 too, whatever format the project displays."""
    settings.PHONENUMBER_DEFAULT_FORMAT = "NATIONAL"
    number = PhoneNumber.from_string("+49 151 12345001")
    assert normalize_phone(number) == "+4915112345001"
    assert normalize_phone(PhoneNumber()) == ""


@pytest.mark.user_model("phone as username")
@pytest.mark.parametrize(
    "value", ["alice", "0151 12345001", "+49", "+491", "112", "+" + "1" * 40, "-1", "+\x1b"]
)
def test_other_text_is_not_valid_on_a_phone_model(value):
    """What is no phone number is no username of a new user; a stored value may be looked up."""
    assert normalize(value) == normalize(normalize(value))
    with pytest.raises(ValidationError):
        validate(get_user_model(), normalize(value))
    with pytest.raises(ValueError, match="can't be a username"):
        get_user_model().objects.create_user(value)


@pytest.mark.user_model("phone as username")
def test_normalize_on_a_phone_model_reads_the_default_region(settings):
    """A project that names its country has national numbers as usernames."""
    settings.PHONENUMBER_DEFAULT_REGION = "DE"
    assert normalize("0151 / 12345001") == "+4915112345001"


def test_users_without_a_username_share_nothing():
    """NULL is no text: their limits are not those of an account that is called "None"."""
    one, other = (get_user_model()(pk=number) for number in (1, 2))
    for user in (one, other):
        setattr(user, KIND, None)
    assert stored(one) == ""
    own = {keys.account_key_of(one), keys.account_key_of(other)}
    assert len(own) == 2
    assert not own & {keys.account_key(""), keys.account_key("None")}
