"""Enrollment: what the app is given, and that only its code makes it count."""

import json
import subprocess
from shutil import which
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import time_machine
from django.core import mail
from django.db import OperationalError

from swap_user.models import Authenticator
from swap_user.otp import InvalidCode, enroll
from swap_user.otp.authenticators.secrets import open_secret, seal
from swap_user.otp.crypto import hotp
from swap_user.otp.verification.enrollment import Enrollment
from tests.support import NOW, configure, enter, give, make_user, username

pytestmark = pytest.mark.django_db


def shown(enrollment, now=NOW, counter=None):
    """Return what an app with this enrollment shows."""
    authenticator = enrollment.authenticator
    if counter is None:
        counter = hotp.time_step(now, period=authenticator.period)
    return hotp.code_at(
        enrollment.secret,
        counter,
        digits=authenticator.digits,
        algorithm=authenticator.algorithm,
    )


def test_nothing_logs_in_before_it_is_confirmed(user, clock):
    """No row and no login until the app's code was typed; then there are both."""
    enrollment = enroll(user, type="totp", name="Work phone")
    assert not Authenticator.objects.exists()
    assert enter(None, shown(enrollment)) is None
    authenticator = enrollment.confirm(shown(enrollment))
    assert (authenticator.name, authenticator.type) == ("Work phone", "totp")
    assert Authenticator.objects.get() == authenticator
    assert enter(None, shown(enrollment, NOW + 30)) == user


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("type", ["totp", "hotp"])
def test_the_code_that_confirms_is_used_up_by_it(user, clock, type):
    """The confirming code does not log in, even when Redis has forgotten it."""
    from swap_user.otp.store import scripts

    enrollment = enroll(user, type=type)
    code = shown(enrollment, counter=None if type == "totp" else 0)
    enrollment.confirm(code)
    assert enter(None, code) is None
    with scripts._reached() as client:
        client.flushall()
    assert enter(None, code) is None


@pytest.mark.parametrize("typed", [None, "", "000000", "abc", "9" * 5000, 5])
def test_a_wrong_code_confirms_nothing(user, clock, typed):
    """InvalidCode, no row, and another try is possible."""
    enrollment = enroll(user)
    if typed == "000000" and shown(enrollment) == typed:
        pytest.skip("one in a million")
    with pytest.raises(InvalidCode):
        enrollment.confirm(typed)
    assert not Authenticator.objects.exists()
    assert enrollment.confirm(shown(enrollment))


def test_it_is_confirmed_once(user, clock):
    """A second confirmation, with a later code, adds nothing."""
    enrollment = enroll(user)
    again = Enrollment.unpack(user, enrollment.pack())
    enrollment.confirm(shown(enrollment))
    clock.move_to(NOW + 30)
    with pytest.raises(InvalidCode):
        again.confirm(shown(again, NOW + 30))
    assert Authenticator.objects.count() == 1


def test_a_code_that_confirmed_before_confirms_nothing(user, clock):
    """Not even after its authenticator was removed: Redis has consumed the code."""
    enrollment = enroll(user)
    code, again = shown(enrollment), Enrollment.unpack(user, enrollment.pack())
    enrollment.confirm(code)
    Authenticator.objects.all().delete()
    with pytest.raises(InvalidCode):
        again.confirm(code)
    assert not Authenticator.objects.exists()


def test_a_code_can_be_entered_again_if_the_database_could_not_save_it(user, clock, monkeypatch):
    """The error is raised; the code is not used up by it."""
    enrollment = enroll(user)

    def save(*args, **kwargs):
        raise OperationalError

    with monkeypatch.context() as patch:
        patch.setattr(Authenticator, "save", save)
        with pytest.raises(OperationalError):
            enrollment.confirm(shown(enrollment))
    assert enrollment.confirm(shown(enrollment))


def test_it_expires(user, clock):
    """After ten minutes the right code comes too late, also out of a session."""
    enrollment = enroll(user)
    packed = enrollment.pack()
    clock.move_to(NOW + 600)
    with pytest.raises(InvalidCode):
        enrollment.confirm(shown(enrollment, NOW + 600))
    assert Enrollment.unpack(user, packed) is None


@pytest.mark.requirement("R27")
def test_a_pending_secret_waits_encrypted(user, clock):
    """What a session keeps is JSON without the secret; another user can't take it over."""
    enrollment = enroll(user)
    packed = json.loads(json.dumps(enrollment.pack()))
    assert enrollment.secret not in json.dumps(packed)
    assert enrollment.secret not in repr(enrollment)
    assert Enrollment.unpack(user, packed).secret == enrollment.secret
    assert Enrollment.unpack(make_user(2), packed) is None


@pytest.mark.parametrize("packed", [None, 5, {}, {"issuer": "x"}, {"expires_at": 9e9}, [], "x"])
def test_a_session_that_holds_something_else(user, packed):
    """Anything that pack() did not give is no enrollment."""
    assert Enrollment.unpack(user, packed) is None


@pytest.mark.parametrize(
    "change", [{"id": "x"}, {"secret": "x"}, {"more": 1}, {"type": "hotp"}, {"expires_at": None}]
)
def test_a_session_that_was_altered(user, change):
    """An altered session is not accepted either."""
    assert Enrollment.unpack(user, enroll(user).pack() | change) is None


@pytest.mark.parametrize("type", ["totp", "hotp"])
@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize("digits", [6, 8])
def test_the_uri_says_all_an_app_needs(user, clock, type, algorithm, digits):
    """Type, secret without padding, and whatever differs from what apps assume."""
    enrollment = enroll(user, type=type, algorithm=algorithm, digits=digits, period=60)
    uri = urlsplit(enrollment.provisioning_uri)
    query = {key: value for key, (value,) in parse_qs(uri.query, strict_parsing=True).items()}
    assert (uri.scheme, uri.netloc) == ("otpauth", type)
    assert query["secret"] == enrollment.secret
    assert "=" not in enrollment.secret
    assert query.get("algorithm", "SHA1") == algorithm
    assert int(query.get("digits", 6)) == digits
    assert query.get("counter") == ("0" if type == "hotp" else None)
    assert query.get("period") == ("60" if type == "totp" else None)
    assert len(enrollment.secret) * 5 // 8 == hotp.SECRET_BYTES[algorithm]


@pytest.mark.parametrize(
    "issuer", ["Shop", "Müller & Söhne", "a+b", "Ćevap/100%", "店", "one: two", " "]
)
def test_the_issuer_is_the_same_in_both_places(user, settings, issuer):
    """Prefix and parameter agree; a space is %20, a plus is %2B, and a colon is left out."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ISSUER": issuer}
    uri = enroll(user).provisioning_uri
    assert "+" not in uri
    assert " " not in uri
    parts = urlsplit(uri)
    label = unquote(parts.path.removeprefix("/"))
    parameter = parse_qs(parts.query).get("issuer", [""])[0]
    prefix, colon, account = label.rpartition(":")
    assert account == username()
    assert prefix == parameter == issuer.replace(":", " ").strip()
    assert bool(colon) == bool(parameter)


def test_the_qr_code_is_one_svg_element(user):
    """Inline SVG without style or script, so that a strict CSP shows it."""
    svg = enroll(user).qr_svg()
    assert svg.startswith("<svg ")
    assert "style=" not in svg
    assert "script" not in svg


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "sent"},
        {"type": "yubikey"},
        {"algorithm": "MD5"},
        {"digits": 5},
        {"digits": 9},
        {"period": 0},
        pytest.param({"period": 121}, marks=pytest.mark.requirement("R5")),
        {"name": "x" * 65},
    ],
)
def test_an_argument_out_of_range_is_told(user, fields):
    """ValueError at the call, and nothing half-made."""
    with pytest.raises(ValueError, match=r"\w"):
        enroll(user, **fields)


@pytest.mark.requirement("R5")
@pytest.mark.parametrize(
    "fields", [{"period": 1}, {"period": 120}, {"digits": 6}, {"digits": 8}], ids=str
)
def test_an_argument_at_the_edge_of_its_range(user, fields):
    """It is allowed."""
    (name, value) = fields.popitem()
    assert getattr(enroll(user, **{name: value}).authenticator, name) == value


def test_an_enrollment_is_cheap(user, django_assert_num_queries):
    """One query counts the authenticators; the owner is not looked up again."""
    with django_assert_num_queries(1):
        enroll(user, issuer="Shop")


def test_an_enrollment_without_an_issuer(user):
    """The URI names the account alone."""
    enrollment = enroll(user, issuer="")
    assert "issuer" not in enrollment.provisioning_uri
    assert repr(enrollment.provisioning_uri) == "'********'"


def test_only_the_padding_of_a_secret_is_left_out(user):
    """Whatever its last letter is."""
    enrollment = enroll(user)
    for secret in ("A" * 31 + "X", "A" * 52 + "===="):
        seal(enrollment.authenticator, secret)
        assert enrollment.secret == secret.rstrip("=")


@pytest.mark.requirement("R27")
def test_the_secret_is_stored_encrypted(user, clock):
    """What the row holds opens to the secret and does not show it."""
    enrollment = enroll(user)
    authenticator = enrollment.confirm(shown(enrollment))
    authenticator.refresh_from_db()
    assert enrollment.secret not in authenticator.secret
    assert open_secret(authenticator) == enrollment.secret


@pytest.mark.requirement("R37")
def test_the_owner_is_told(user, clock):
    """A message says that an authenticator was added, and which."""
    enrollment = enroll(user, name="Work phone")
    enrollment.confirm(shown(enrollment))
    if not hasattr(user, "email"):
        assert mail.outbox == []
        return
    (message,) = mail.outbox
    assert message.to == ["user1@example.com"]
    assert "added" in message.subject
    assert "Work phone" in message.body
    assert enrollment.secret not in message.body


@pytest.mark.skipif(which("oathtool") is None, reason="oathtool is not installed")
@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
@pytest.mark.parametrize("digits", [6, 8])
@pytest.mark.parametrize("period", [30, 60])
def test_an_independent_authenticator_agrees(user, algorithm, digits, period):
    """Debian's oathtool, given the secret, shows codes that enroll and log in."""
    with time_machine.travel(NOW, tick=False) as clock:
        enrollment = enroll(user, algorithm=algorithm, digits=digits, period=period)
        for offset, use in ((0, enrollment.confirm), (period, lambda code: enter(None, code))):
            clock.move_to(NOW + offset)
            args = ["oathtool", "--base32", f"--totp={algorithm}", f"--digits={digits}"]
            args += [f"--time-step-size={period}s", f"--now=@{NOW + offset}", enrollment.secret]
            code = subprocess.run(args, capture_output=True, text=True, check=True).stdout
            assert use(code)


def test_there_is_a_most(user):
    """Twenty a user: each makes guessing easier."""
    for number in range(20):
        give(user, secret="A" * 31 + "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[number])
    with pytest.raises(ValueError, match="at most 20"):
        enroll(user)


def test_what_an_enrollment_is_without_arguments(user, settings):
    """What all apps support, with no name and no issuer if the site has no name."""
    configure(settings, OTP_ISSUER="")
    enrollment = enroll(user)
    row = enrollment.authenticator
    found = (row.type, row.name, row.algorithm, row.digits, row.period)
    assert found == ("totp", "", "SHA1", 6, 30)
    assert enrollment.issuer == ""
