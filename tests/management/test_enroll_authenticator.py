"""enroll_authenticator: how the first superuser gets in without any sender."""

import io
import re

import pytest
from django.core.management import CommandError, call_command

from swap_user.models import Authenticator
from swap_user.otp import LoginUnavailable
from swap_user.otp.crypto import hotp
from tests.support import enter, username

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("user")]


@pytest.fixture
def run(monkeypatch):
    """Run the command with an app that gives this answer."""

    def run(answer, *options):
        out = io.StringIO()

        def app(prompt):
            secret = re.search(r"the secret ([A-Z2-7]+)", out.getvalue())[1]
            return answer(secret)

        monkeypatch.setattr("builtins.input", app)
        call_command("enroll_authenticator", username(), *options, stdout=out, stderr=out)
        return out.getvalue()

    return run


def test_enroll_with_hotp(run, user):
    """The QR code and the URI are shown; the app's code finishes; the next one logs in."""
    secrets = []

    def answer(secret):
        secrets.append(secret)
        return hotp.code_at(secret, 0)

    text = run(answer, "--type=hotp", "--name=Key ring")
    assert "▄" in text or "█" in text
    assert "otpauth://hotp/" in text
    assert "can now log in with Key ring" in text
    assert enter(None, hotp.code_at(secrets[0], 1)) == user


def test_a_wrong_code_may_be_corrected(run, user):
    """Three tries; nothing is enrolled when none is right."""
    answers = iter(["000000", "nonsense"])
    run(lambda secret: next(answers, None) or hotp.code_at(secret, 0), "--type=hotp")
    assert Authenticator.objects.filter(user=user, type="hotp").count() == 1
    with pytest.raises(CommandError, match="nothing was enrolled"):
        run(lambda secret: "nonsense")
    assert Authenticator.objects.count() == 1


@pytest.mark.parametrize("interruption", [EOFError, KeyboardInterrupt])
def test_no_answer_enrolls_nothing(run, interruption):
    """End of input and Ctrl-C end it in one line."""

    def answer(secret):
        raise interruption

    with pytest.raises(CommandError, match="nothing was enrolled"):
        run(answer)
    assert not Authenticator.objects.exists()


def test_a_name_that_is_too_long(run):
    """It is refused before anything is shown."""
    with pytest.raises(CommandError, match="64"):
        run(lambda secret: "", f"--name={'x' * 65}")


def test_redis_away(run, monkeypatch):
    """The command says so, and nothing is enrolled."""

    def away(*args, **kwargs):
        raise LoginUnavailable("Redis can't be reached.")

    monkeypatch.setattr("swap_user.otp.verification.marks.take", away)
    with pytest.raises(CommandError, match="Redis can't be reached"):
        run(lambda secret: hotp.code_at(secret, 0), "--type=hotp")
    assert not Authenticator.objects.exists()
