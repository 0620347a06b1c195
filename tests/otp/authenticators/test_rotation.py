"""Keys that follow one another: rotation, resumed when interrupted, beside running logins."""

import io
import os
import threading
from base64 import b64encode

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connections

from swap_user.models import Authenticator
from swap_user.otp.authenticators.rotation import rotate_keys
from swap_user.otp.authenticators.secrets import is_stale, keyring, open_secret
from swap_user.otp.crypto.keyring import decode_key, encrypted_with, key_id
from tests.support import NOW, RFC_SECRET, enter, give, make_user, totp, username

pytestmark = pytest.mark.django_db(transaction=True)

K1, K2 = (b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))


def use_keys(settings, *keys):
    """Configure these keys, newest first."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ENCRYPTION_KEYS": list(keys)}


def stale():
    """Return how many secrets are not encrypted with the first key."""
    return sum(is_stale(authenticator) for authenticator in Authenticator.objects.all())


@pytest.mark.requirement("R29")
def test_from_one_key_to_the_next(settings):
    """[k1] → [k2, k1] → rotate → [k2]: every secret stays what it was."""
    use_keys(settings, K1)
    authenticators = [give(make_user(number)) for number in range(5)]
    use_keys(settings, K2, K1)
    assert stale() == 5
    *_, progress = rotate_keys(batch_size=2)
    assert (progress.total, progress.rotated, progress.unreadable) == (5, 5, {})
    use_keys(settings, K2)
    assert stale() == 0
    for authenticator in authenticators:
        authenticator.refresh_from_db()
        assert open_secret(authenticator) == RFC_SECRET
    with time_machine.travel(NOW, tick=False):
        assert enter(None, totp(NOW), username(3))


@pytest.mark.requirement("R29")
def test_interrupted_and_resumed(settings):
    """Stopped after a batch, it goes on where it stopped; logins work at any point between."""
    use_keys(settings, K1)
    for number in range(6):
        give(make_user(number))
    use_keys(settings, K2, K1)
    run = rotate_keys(batch_size=2)
    next(run)
    next(run)
    run.close()
    assert stale() == 4
    with time_machine.travel(NOW, tick=False):
        assert all(enter(None, totp(NOW), username(number)) for number in range(6))
    *_, progress = rotate_keys(batch_size=2)
    assert stale() == 0
    assert progress.total == 0  # the logins had done the rest


@pytest.mark.requirement("R29")
def test_a_secret_is_rotated_when_it_is_used(settings):
    """A login encrypts the secret again, in the UPDATE that it needs anyway."""
    use_keys(settings, K1)
    give(make_user())
    use_keys(settings, K2, K1)
    with time_machine.travel(NOW, tick=False):
        assert enter(None, totp(NOW))
    assert stale() == 0
    assert open_secret(Authenticator.objects.get()) == RFC_SECRET


@pytest.mark.requirement("R29")
def test_beside_running_logins(settings):
    """Logins go on while every secret is rotated; none is refused, none is lost."""
    use_keys(settings, K1)
    for number in range(40):
        give(make_user(number), "hotp")
    use_keys(settings, K2, K1)
    from swap_user.otp.crypto import hotp

    refused = []

    def log_in():
        for counter in range(3):
            code = hotp.code_at(RFC_SECRET, counter)
            refused.extend(n for n in range(0, 40, 4) if not enter(None, code, username(n)))
        connections.close_all()

    thread = threading.Thread(target=log_in)
    thread.start()
    for _ in rotate_keys(batch_size=3):
        pass
    thread.join()
    assert refused == []
    assert [progress.rotated for progress in rotate_keys()][-1] == stale() == 0
    assert {open_secret(each) for each in Authenticator.objects.all()} == {RFC_SECRET}


def test_from_secret_key_to_a_key_of_its_own(settings):
    """The first configured key leaves what was stored before readable, and takes it over."""
    user = make_user()
    give(user)
    use_keys(settings, K1)
    assert stale() == 1
    with time_machine.travel(NOW, tick=False):
        assert enter(None, totp(NOW)) == user
    assert stale() == 0


def test_a_missing_key_is_named_and_never_a_login(settings, caplog):
    """The log names the key id; nothing is lost, and the key put back brings the login back."""
    use_keys(settings, K1)
    user = make_user()
    give(user)
    use_keys(settings, K2)
    with time_machine.travel(NOW, tick=False):
        assert enter(None, totp(NOW)) is None
        assert key_id(decode_key(K1)) in caplog.text
        use_keys(settings, K2, K1)
        assert enter(None, totp(NOW)) == user


def test_the_command_reports(settings):
    """How many, with which key, and how fast; a second run has nothing to do."""
    use_keys(settings, K1)
    for number in range(3):
        give(make_user(number))
    use_keys(settings, K2, K1)
    out = io.StringIO()
    call_command("rotate_otp_keys", "--batch-size=2", stdout=out)
    assert out.getvalue().startswith(f"3 secrets now use the key {keyring().primary_id} ")
    call_command("rotate_otp_keys", stdout=out)
    assert "\n0 secrets now" in out.getvalue()


def test_the_command_shows_how_far_it_is_on_a_terminal(settings):
    """A line that is written over, with an estimate."""
    use_keys(settings, K1)
    for number in range(4):
        give(make_user(number))
    use_keys(settings, K2, K1)
    out = io.StringIO()
    out.isatty = lambda: True
    call_command("rotate_otp_keys", "--batch-size=2", stdout=out)
    assert "\r0/4 secrets, 0 %" in out.getvalue()
    assert "\r2/4 secrets, 50 %, about " in out.getvalue()
    assert "\r4/4 secrets, 100 %" in out.getvalue()


def test_what_cannot_be_read_is_left_and_told(settings):
    """The others are rotated; the command fails, naming the missing key."""
    use_keys(settings, K1)
    lost = give(make_user(1))
    settings.SWAP_USER["OTP_ENCRYPTION_KEYS"] = [b64encode(os.urandom(32)).decode()]
    give(make_user(2))
    middle = settings.SWAP_USER["OTP_ENCRYPTION_KEYS"][0]
    use_keys(settings, K2, middle)
    with pytest.raises(CommandError, match=key_id(decode_key(K1))):
        call_command("rotate_otp_keys", stdout=io.StringIO())
    lost.refresh_from_db()
    assert encrypted_with(lost.secret) == key_id(decode_key(K1))
    assert stale() == 1


@pytest.mark.parametrize("size", ["0", "-5"])
def test_a_batch_of_nothing_is_refused(size):
    """One clear line."""
    with pytest.raises(CommandError, match="at least 1"):
        call_command("rotate_otp_keys", f"--batch-size={size}")


def test_a_new_key_is_a_key(settings):
    """What generate_otp_key prints can be configured as it is; two are never the same."""
    keys = []
    for _ in range(2):
        out = io.StringIO()
        call_command("generate_otp_key", stdout=out)
        keys.append(out.getvalue().strip())
    assert len({decode_key(key) for key in keys}) == 2
    use_keys(settings, *keys)
    give(make_user())
    assert open_secret(Authenticator.objects.get()) == RFC_SECRET
