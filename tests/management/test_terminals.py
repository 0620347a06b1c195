"""Commands in terminals that can't show everything, or are gone."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from swap_user.models import Authenticator
from swap_user.otp.crypto import hotp
from tests import ROOT
from tests.support import username

pytestmark = pytest.mark.django_db

ENCODINGS = ["ascii", "latin-1", "cp1252"]


class Terminal:
    """A stream that encodes what it gets, as a terminal of this encoding does."""

    def __init__(self, encoding: str) -> None:
        self.encoding, self.text = encoding, ""

    def write(self, text: str) -> None:
        text.encode(self.encoding)
        self.text += text

    def flush(self) -> None:
        """Nothing is kept back."""


@pytest.fixture
def enroll_in(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run enroll_authenticator in a terminal, with an app that answers."""

    def run(terminal: Any, *options: str) -> str:
        def app(prompt: str) -> str:
            return hotp.code_at(re.search(r"the secret ([A-Z2-7]+)", terminal.text)[1], 0)

        monkeypatch.setattr("builtins.input", app)
        command = ["enroll_authenticator", username(), "--type=hotp", *options]
        call_command(*command, stdout=terminal, stderr=terminal)
        return str(terminal.text)

    return run


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_enroll_without_the_picture(user: Any, enroll_in: Any, encoding: str) -> None:
    """The URI and the secret are enough; the page says why there is no picture."""
    text = enroll_in(Terminal(encoding), "--name=Schlüssel 鍵")
    assert "▄" not in text
    assert "QR code" in text
    assert "otpauth://hotp/" in text
    assert "can now log in" in text
    assert Authenticator.objects.filter(type="hotp").count() == 1


def test_enroll_with_the_picture(user: Any, enroll_in: Any) -> None:
    """Where the terminal can show it."""
    assert "▄" in enroll_in(Terminal("utf-8"))


@pytest.mark.user_model("email as username")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_other_commands(encoding: str) -> None:
    """A username that the terminal can't show."""
    get_user_model().objects.create_user("user@漢字.example")
    terminal = Terminal(encoding)
    for options in ([], ["--limits-only"]):
        call_command("reset_otp", "user@漢字.example", *options, stdout=terminal)
    assert terminal.text.count("limits lifted") == 2


# In a process of its own, whose standard output is really closed, or a pipe that nobody reads.
PROGRAM = """
import sys
from django.conf import settings
from tests.settings import to_email_otp as base

ours = {name: getattr(base, name) for name in dir(base) if name.isupper()}
ours["DATABASES"] = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
settings.configure(**ours)

import django

django.setup()
from django.core.management import call_command, execute_from_command_line

call_command("migrate", verbosity=0)
from tests.support import make_user

make_user()
execute_from_command_line(["manage.py", "enroll_authenticator", "user1@example.com"])
"""


def enroll_in_a_process(**streams: Any) -> Any:
    """Run enroll_authenticator as manage.py does."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": ""},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
        **streams,
    )


def assert_one_line(done: Any) -> None:
    """The command says that nothing was enrolled, and nothing else."""
    assert "nothing was enrolled" in done.stderr
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
    assert "otpauth" not in done.stderr
    assert done.returncode == 1


@pytest.mark.heavy
@pytest.mark.user_model("email as username", "no password")
def test_a_reader_that_has_gone() -> None:
    """As with `| head -1`."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert_one_line(enroll_in_a_process(stdin=subprocess.DEVNULL, stdout=writer))
    finally:
        os.close(writer)


@pytest.mark.heavy
@pytest.mark.user_model("email as username", "no password")
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_a_full_disk() -> None:
    """The secret was not seen by anybody."""
    with open("/dev/full", "w") as full:
        assert_one_line(enroll_in_a_process(stdin=subprocess.DEVNULL, stdout=full))


@pytest.mark.heavy
@pytest.mark.user_model("email as username", "no password")
@pytest.mark.parametrize("number", [0, 1])
def test_a_stream_that_is_closed(number: int) -> None:
    """Standard input or output: as with `<&-` and `>&-`."""
    done = enroll_in_a_process(
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.close(number),
    )
    assert_one_line(done)


@pytest.mark.heavy
@pytest.mark.user_model("email as username", "no password")
def test_no_standard_input() -> None:
    """As in a cron job."""
    assert_one_line(enroll_in_a_process(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL))
