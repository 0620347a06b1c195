"""Invisible characters, and domains in one form."""

import sys
import unicodedata

import idna
import pytest
from django.core.mail import EmailMessage
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from swap_user.otp.senders import email_address
from swap_user.users.characters import ascii_domain, remove_invisible, unicode_domain
from swap_user.users.usernames import normalize_email
from tests.support import make_user

pytestmark = pytest.mark.requirement("R42")

JOINERS = "\u200c\u200d"


def test_no_format_character_is_kept():
    """All of Unicode's format characters that have no glyph go, but for the joiners."""
    kept = {
        character
        for character in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(character) == "Cf" and remove_invisible(f"a{character}b") != "ab"
    }
    # They stand before digits and are printed, as in Arabic dates.
    printed = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2"
    printed += "\U000110bd\U000110cd" + "".join(map(chr, range(0x13430, 0x13440)))
    shorthand = "\ufff9\ufffa\ufffb"  # interlinear annotation
    assert kept <= {*printed, *shorthand}


def test_joiners_stay_where_idna_allows_them():
    """They distinguish words in Sinhala and Persian, and are noise elsewhere."""
    sinhala, persian = (
        "\u0dc1\u0dca\u200d\u0dbb\u0dd3",
        "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc",
    )
    assert remove_invisible(sinhala) == sinhala
    assert remove_invisible(persian) == persian
    assert remove_invisible(f"\u200c{persian}\u200d") == persian
    assert remove_invisible("a\u200db\u200cc") == "abc"
    assert remove_invisible("\u0dca\u200d\u200d\u0dbb") == "\u0dca\u200d\u0dbb"


@hypothesis_settings(deadline=None)
@given(st.text(st.sampled_from("ab\u0dca\u0dbb\u0646\u0647\u0627\u034f\u00ad\u200b" + JOINERS)))
def test_removing_twice_changes_nothing(text):
    """What is clean stays as it is."""
    assert remove_invisible(remove_invisible(text)) == remove_invisible(text)


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("müller.example", "xn--mller-kva.example"),
        ("MÜLLER.EXAMPLE", "xn--mller-kva.example"),
        ("mu\u0308ller.example", "xn--mller-kva.example"),
        ("XN--MLLER-KVA.example", "xn--mller-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
        ("βόλος.example", "xn--nxasmm1c.example"),
        ("ΒΌΛΟΣ.example", "xn--nxasmq6b.example"),
        ("例え\u3002テスト", "xn--r8jz45g.xn--zckzah"),
        ("\u2603.example", "xn--n3h.example"),
        ("example.com.", "example.com."),
        ("", ""),
    ],
)
def test_ascii_domain(domain, expected):
    """The form that Chromium sends: UTS 46, with sharp s and final sigma kept."""
    assert ascii_domain(domain) == expected


def test_ascii_domain_agrees_with_idna():
    """For every domain that IDNA 2008 knows, the result is that of the package idna."""
    for domain in ("bücher.example", "пример.example", "מבחן.example", "நாம்.example"):
        assert ascii_domain(domain) == idna.encode(domain, uts46=True).decode()
        assert unicode_domain(ascii_domain(domain)) == domain


@hypothesis_settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=30))
def test_domains_have_one_form(domain):
    """No exception for any text; ASCII stays ASCII, and Unicode leads back to it."""
    once = ascii_domain(domain)
    assert ascii_domain(once) == once
    assert ascii_domain(unicode_domain(once)) == once


def test_normalize_email_is_idempotent_for_every_character_of_a_domain():
    """Every character of the first two planes of Unicode, in the middle of a domain."""
    for code in range(0x20000):
        if 0xD800 <= code < 0xE000:
            continue
        once = normalize_email(f"a@é{chr(code)}c")
        assert normalize_email(once) == once, hex(code)


@pytest.mark.parametrize(
    "typed",
    [
        "info@müller.example",
        "info@xn--mller-kva.example",
        "\u202ainfo@müller.example\u202c",
        "in\u200bfo@mül\u00adler.example",
        "\ufeffINFO@MÜLLER.EXAMPLE\u2060",
    ],
)
def test_one_address(typed):
    """Invisible characters and the form of the domain make no other address."""
    assert normalize_email(typed) == "info@xn--mller-kva.example"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a@straße.example", "a@strasse.example"),
        ("a@βόλος.example", "a@βόλοσ.example"),
        ("a@b\u200cc.example", "a@b.c.example"),
    ],
)
def test_other_owners_domains(one, other):
    """Domains that can have different owners stay different."""
    assert normalize_email(one) != normalize_email(other)


@pytest.mark.user_model("email address")
@pytest.mark.django_db
def test_mail_goes_to_the_domain_that_is_stored():
    """Python's codec, which Django uses for a domain that is not ASCII, would change ß to ss."""
    user = make_user()
    user.email = "ann@straße.example"
    address = email_address(user)
    assert address == "ann@xn--strae-oqa.example"
    assert "ann@xn--strae-oqa.example" in EmailMessage(to=[address]).message()["To"]
