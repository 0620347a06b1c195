"""Codes: the vectors of the RFCs, and what people type."""

import os
import time
import unicodedata
from base64 import b32decode, b32encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swap_user.otp.crypto import hotp
from tests.support import RFC_SECRET

HOTP_VECTORS = [
    "755224", "287082", "359152", "969429", "338314",
    "254676", "287922", "162583", "399871", "520489",
]  # fmt: skip

TOTP_VECTORS = {
    "SHA1": (20, ["94287082", "07081804", "14050471", "89005924", "69279037", "65353130"]),
    "SHA256": (32, ["46119246", "68084774", "67062674", "91819424", "90698825", "77737706"]),
    "SHA512": (64, ["90693936", "25091201", "99943326", "93441116", "38618901", "47863826"]),
}
TOTP_TIMES = [59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000]


@pytest.mark.requirement("R1")
def test_hotp_vectors():
    """The ten codes of RFC 4226 appendix D."""
    assert [hotp.code_at(RFC_SECRET, counter) for counter in range(10)] == HOTP_VECTORS


@pytest.mark.requirement("R1")
@pytest.mark.parametrize("algorithm", TOTP_VECTORS)
def test_totp_vectors(algorithm):
    """The codes of RFC 6238 appendix B, for each hash."""
    size, expected = TOTP_VECTORS[algorithm]
    secret = b32encode((b"1234567890" * 7)[:size]).decode()
    steps = [hotp.time_step(now) for now in TOTP_TIMES]
    shown = [hotp.code_at(secret, step, digits=8, algorithm=algorithm) for step in steps]
    assert shown == expected


@pytest.mark.requirement("R2")
def test_secrets_are_long_and_differ():
    """A thousand secrets of at least 20 bytes, all different."""
    secrets = {hotp.generate_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert min(len(b32decode(secret)) for secret in secrets) >= 20


@pytest.mark.requirement("R3")
def test_time_steps_ignore_time_zone_and_daylight_saving():
    """In Berlin the night of 2026-10-25 has 02:30 twice; the steps run on by one per 30 s."""
    change = 1_792_890_000  # 2026-10-25 01:00 UTC, when 03:00 becomes 02:00 again
    before = os.environ.get("TZ")
    try:
        steps = {}
        for zone in ("UTC", "Europe/Berlin"):
            os.environ["TZ"] = zone
            time.tzset()
            steps[zone] = [hotp.time_step(change + s) for s in range(-3600, 3601, 30)]
        assert time.localtime(change - 1).tm_hour == time.localtime(change + 3599).tm_hour == 2
    finally:
        os.environ.pop("TZ") if before is None else os.environ.__setitem__("TZ", before)
        time.tzset()
    assert steps["UTC"] == steps["Europe/Berlin"]
    assert steps["UTC"] == list(range(steps["UTC"][0], steps["UTC"][0] + 241))


@pytest.mark.requirement("R4")
@pytest.mark.parametrize("digits", [6, 7, 8, 9, 10])
def test_leading_zeros_are_kept(digits):
    """Every code has all its digits; among a few hundred some begin with a zero."""
    shown = [hotp.code_at(RFC_SECRET, counter, digits=digits) for counter in range(300)]
    assert {len(code) for code in shown} == {digits}
    assert any(code.startswith("0") for code in shown)


@pytest.mark.requirement("R11")
def test_window_is_bounded():
    """One step to either side by default, and never below zero."""
    assert list(hotp.window(100)) == [99, 100, 101]
    assert list(hotp.window(100, past=2, future=0)) == [98, 99, 100]
    assert list(hotp.window(0)) == [0, 1]


@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    "typed",
    ["123456", " 123456 ", "123 456", "12\u00a034\u200956", "\t123456\n", "１２３４５６",
     "123-456", "123456.", "123–456", "123\u2212456", "123_456", "“123456”", "(123456)", "123·456",
     "\u200b123456", "123\u2060456\ufeff", "\u202a123456\u202c", "123\u00ad456", "1\u200d23456",
     "123\u034f456", "123456\ufe0f", "١٢٣٤٥٦", "۱۲۳۴۵۶", "१२३४५६", "𝟏𝟐𝟑𝟒𝟓𝟔", "1२3४5६"],
)  # fmt: skip
def test_normalize_forgives_what_does_not_change_the_meaning(typed):
    """Separators, invisible characters and the digits of any script: one code."""
    assert hotp.normalize(typed) == "123456"


@pytest.mark.requirement("R14")
@pytest.mark.parametrize(
    "typed",
    [None, "", " ", "12345", "12345678901", 123456, b"123456", [], "12345a", "一二三四五六",
     "1\x0023456", "\ud800123456", "1" * 1_000_000, "+123456", "1e6", "123456x",
     "\u200b" * 60 + "123456", "²²²²²²²"],
)  # fmt: skip
def test_normalize_refuses_what_is_no_code(typed):
    """Nothing but six to ten decimal digits is a code."""
    if typed == "²²²²²²²":  # NFKC makes plain digits of superscripts: harmless, and a code
        assert hotp.normalize(typed) == "2222222"
    else:
        assert hotp.normalize(typed) is None


@pytest.mark.requirement("R14")
@given(st.text())
def test_normalize_never_raises(typed):
    """Any text gives None or ASCII digits, and normalising again changes nothing."""
    code = hotp.normalize(typed)
    if code is not None:
        assert code.isascii()
        assert code.isdigit()
        assert 6 <= len(code) <= 10
        assert hotp.normalize(code) == code
        assert unicodedata.normalize("NFKC", code) == code


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("position", [0, 1, 2, None])
def test_every_candidate_is_compared(monkeypatch, position):
    """The number of comparisons is the same whichever candidate matches, or none."""
    compared = []
    real = hotp.hmac.compare_digest
    monkeypatch.setattr(
        hotp.hmac, "compare_digest", lambda a, b: (compared.append(b), real(a, b))[1]
    )
    expected = ["111111", "222222", "333333"]
    code = "999999" if position is None else expected[position]
    hits = hotp.matches(code, expected)
    assert len(compared) == 3
    assert hits == [index == position for index in range(3)]
