"""The label in an authenticator app: shortened where the QR code would not hold it."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from swap_user.otp import enroll
from swap_user.otp.verification.labels import ELLIPSIS, shorten
from swap_user.testing import log_in

pytestmark = pytest.mark.django_db

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"  # one emoji of seven points
FLAG = "\U0001f1e8\U0001f1ed"
NAMES = {
    "150 CJK letters": "\u6f22" * 150,
    "254 characters of email": "a" * 64 + "@" + "b" * 63 + "." + "c" * 63 + "." + "d" * 61,
    "emoji": FAMILY * 40,
    "flags": FLAG * 100,
    "Hebrew": "\u05d0\u05b8" * 120,
    "combining": "e\u0301" * 120,
    "Hangul": "\u1112\u1161\u11ab" * 80,
    "Devanagari": "\u0928\u093f" * 110,
    "percent signs": "%" * 250,
}
SHORTENED = set(NAMES) - {"254 characters of email"}
ISSUERS = {"CJK": "\u5e97" * 100, "short": "Shop", "emoji": FAMILY * 30, "percent": "%" * 300}


def label(enrollment: Any) -> tuple[str, str, str]:
    """The prefix, the parameter and the account name of the URI."""
    parts = urlsplit(enrollment.provisioning_uri)
    prefix, _, account = unquote(parts.path.removeprefix("/")).partition(":")
    return prefix, parse_qs(parts.query)["issuer"][0], account


@pytest.fixture
def named(user: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give the user any username, whatever the model says about it."""

    def name(text: str) -> Any:
        monkeypatch.setattr("swap_user.users.usernames.stored", lambda user: text)
        return user

    return name


@pytest.mark.parametrize(
    ("name", "site"),
    [(name, site) for name in NAMES for site in ISSUERS if name in SHORTENED or site != "short"],
)
def test_the_qr_code_always_fits(named: Any, name: str, site: str) -> None:
    """And is one that a phone can scan from a screen."""
    issuer = ISSUERS[site]
    for kind in ("totp", "hotp"):
        enrollment = enroll(named(NAMES[name]), kind, issuer=issuer, algorithm="SHA512", digits=8)
        assert len(enrollment.provisioning_uri) < 1300
        assert enrollment.qr_svg().startswith("<svg ")
        prefix, parameter, account = label(enrollment)
        assert prefix == parameter
        assert issuer.startswith(prefix.removesuffix("…"))
        assert NAMES[name].startswith(account.removesuffix("…"))
        assert account.endswith("…") == (name in SHORTENED)


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("emoji", FAMILY),
        ("flags", FLAG),
        ("Hebrew", "\u05d0\u05b8"),
        ("combining", "e\u0301"),
        ("Hangul", "\u1112\u1161\u11ab"),
        ("Devanagari", "\u0928\u093f"),
    ],
)
def test_no_character_is_broken(named: Any, name: str, whole: str) -> None:
    """What a reader sees as one character is kept or left out as a whole."""
    kept = label(enroll(named(NAMES[name]), issuer="Shop"))[2].removesuffix("…")
    assert len(kept) < len(NAMES[name])
    assert kept == whole * (len(kept) // len(whole))
    assert kept


def test_a_usual_label_is_not_changed(named: Any) -> None:
    """Not even by a long address and a long name of a site."""
    name, issuer = NAMES["254 characters of email"], "The Museum of Modern and Old Art"
    assert label(enroll(named(name), issuer=issuer)) == (issuer, issuer, name)


def test_the_page_shows_it(client: Any, named: Any, settings: Any) -> None:
    """A QR code that another program reads."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_ISSUER": "\u5e97" * 100}
    user = named(NAMES["150 CJK letters"])
    user.is_staff = True
    user.save()
    log_in(client, user)
    response = client.post("/admin/sign-in-methods/add/", {"name": ""}, follow=True)
    assert response.status_code == 200
    assert b"<svg" in response.content


def test_another_program_reads_it(named: Any) -> None:
    """The picture says the URI."""
    zxingcpp = pytest.importorskip("zxingcpp")
    image = pytest.importorskip("PIL.Image")
    import segno

    uri = enroll(named(NAMES["150 CJK letters"]), issuer="\u5e97" * 100).provisioning_uri
    png = io.BytesIO()
    segno.make(uri, micro=False, error="l").save(png, kind="png", scale=4)
    (found,) = zxingcpp.read_barcodes(image.open(png).convert("RGB"))
    assert found.text == uri


@pytest.mark.parametrize("before", ["", "a", "ab"])
@pytest.mark.parametrize("flags", [1, 2, 3])
def test_a_flag_is_not_divided(before: str, flags: int) -> None:
    """Wherever the limit is: two letters make a flag, counted from the first one."""
    text = before + FLAG * flags + "\u6f22" * 9
    for most in range(9, 12 * len(text)):
        shown = shorten(text, most).removesuffix(ELLIPSIS)
        assert shown.replace(FLAG, "").strip("ab\u6f22") == "", most
