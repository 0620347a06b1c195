"""
Rotation of many secrets: killed half-way and resumed, while others log in; none is lost.

`make test` does it with 3,000; SWAP_USER_ROTATE=100000 with as many as the requirement names.
Run with `-s` for the rate.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from base64 import b64encode
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connections

from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import keyring, open_secret, seal
from swap_user.otp.crypto import hotp
from swap_user.otp.crypto.keyring import encrypted_with, prefix
from tests.support import RFC_SECRET, enter, username

pytestmark = pytest.mark.django_db(transaction=True)

NUMBER = int(os.environ.get("SWAP_USER_ROTATE", "3000"))
BATCH = 1000 if NUMBER > 10_000 else 100
K1, K2 = (b64encode(bytes([byte]) * 32).decode() for byte in (1, 2))

# Not the spawn that some platforms default to: the children inherit the settings of the test.
fork = multiprocessing.get_context("fork")


def use_keys(settings: Any, *keys: str) -> None:
    """Configure these keys, newest first."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ENCRYPTION_KEYS": list(keys)}


def enrolled(number: int) -> None:
    """Create that many users with a counter-based authenticator each."""
    model = get_user_model()
    for start in range(0, number, 5000):
        indexes = range(start, min(start + 5000, number))
        users = model.objects.bulk_create(
            [model(**{model.USERNAME_FIELD: username(index)}) for index in indexes]
        )
        rows = [Authenticator(user=user, type="hotp", name="key") for user in users]
        for row in rows:
            seal(row, RFC_SECRET)
        Authenticator.objects.bulk_create(rows)


def _rotate(said: Any) -> None:
    """Run the command in a process of its own, as an operator does."""
    connections.close_all()

    class Out:
        def isatty(self) -> bool:
            return True  # so that it says how far it is

        def write(self, text: str) -> None:
            said.put(text)

        def flush(self) -> None: ...

    call_command("rotate_otp_keys", f"--batch-size={BATCH}", stdout=Out())


def _log_in(stop: Any, said: Any) -> None:
    """
    Log one account in after the other, each with its next code, until `stop` is set.

    A fast server may be done after a few logins, so there are a few more after that.
    """
    connections.close_all()
    accepted, refused, index = 0, [], 0
    while not stop.is_set() or index <= 10:
        # From both ends, and scattered: before, in and behind the batch that is rotated.
        account = (index * 7919) % NUMBER
        counter = index // NUMBER
        if enter(None, hotp.code_at(RFC_SECRET, counter), username(account)):
            accepted += 1
        else:
            refused.append((account, counter))
        index += 1
        time.sleep(0.005)
    said.put((accepted, refused))
    connections.close_all()


def _done() -> int:
    return Authenticator.objects.filter(secret__startswith=prefix(keyring().primary_id)).count()


@pytest.mark.requirement("R29")
def test_killed_half_way_and_resumed_while_others_log_in(settings):
    """kill -9 of the command's process, then again to the end; a second process logs in."""
    use_keys(settings, K1)
    enrolled(NUMBER)
    use_keys(settings, K2, K1)
    connections.close_all()

    stop, logins, said = fork.Event(), fork.Queue(), fork.Queue()
    visitors = fork.Process(target=_log_in, args=(stop, logins), daemon=True)
    visitors.start()
    rotation = fork.Process(target=_rotate, args=(fork.Queue(),), daemon=True)
    started = time.monotonic()
    rotation.start()
    while _done() < NUMBER // 2:
        assert rotation.is_alive(), "it ended before it could be killed"
        time.sleep(NUMBER / 200_000)  # counting them is work for the database too
    assert rotation.pid
    os.kill(rotation.pid, signal.SIGKILL)
    rotation.join()
    seconds = time.monotonic() - started
    half = _done()
    assert NUMBER // 2 <= half < NUMBER

    connections.close_all()  # a child that inherits one would end it for both
    resumed = fork.Process(target=_rotate, args=(said,), daemon=True)
    resumed.start()
    text = ""
    while resumed.is_alive() or not said.empty():
        while not said.empty():
            text += said.get()
        time.sleep(0.01)
    assert resumed.exitcode == 0
    stop.set()
    accepted, refused = logins.get(timeout=60)
    visitors.join(timeout=60)

    # None lost: every one is encrypted with the new key, and the old one is needed no more.
    use_keys(settings, K2)
    new = keyring().primary_id
    seen = 0
    for authenticator in Authenticator.objects.iterator(chunk_size=5000):
        assert encrypted_with(authenticator.secret) == new
        assert open_secret(authenticator) == RFC_SECRET
        seen += 1
    assert seen == NUMBER
    # None refused, with logins before, during and after.
    assert refused == []
    assert accepted > 10
    assert enter(None, hotp.code_at(RFC_SECRET, 9), username(NUMBER - 1))
    rate = re.search(r"(\d+) secrets now use .*\((.*)\)", text)
    assert rate, text
    print(
        f"\n{NUMBER:,} secrets on {connections['default'].vendor}: killed after {half:,} "
        f"({seconds:.1f} s, {half / seconds:,.0f} a second), then {rate[1]} ({rate[2]}); "
        f"{accepted:,} logins meanwhile, {len(refused)} refused."
    )
