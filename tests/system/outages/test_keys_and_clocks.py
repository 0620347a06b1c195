"""A key is missing, or the clock is wrong."""

from __future__ import annotations

import time

import pytest
import time_machine

from swap_user.otp.crypto import hotp
from tests.support import NOW, aenter, ask, enter, give, totp, visitor
from tests.system.outages.helpers import begin, finish, logged_in

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_key_is_missing(staff, settings, client, caplog):
    """A code that can't be checked is a wrong one, and the log says why; the key helps again."""
    give(staff)
    secret_key = settings.SECRET_KEY
    with time_machine.travel(NOW, tick=False):
        settings.SECRET_KEY = "another key, and the former one is in no setting: 7Hq!pW"
        for door in (enter, aenter):
            assert door(None, totp(NOW)) is None
        begin(client)
        wrong, unreadable = finish(client, "000000"), finish(client, totp(NOW))
        assert wrong.status_code == unreadable.status_code == 200
        assert not logged_in(client)
        events = {each.event for each in caplog.records if each.name == "swap_user.security"}
        assert "secret unreadable" in events
        assert totp(NOW) not in caplog.text
        settings.SECRET_KEY = secret_key
        assert enter(None, totp(NOW)) == staff


@pytest.mark.requirement("R7")
def test_the_clock_is_set_back(staff, door):
    """Used codes stay used, and so do those before them."""
    give(staff)
    give(staff, "hotp", secret="A" * 32)
    request = visitor()
    with time_machine.travel(NOW, tick=False):
        sent = ask(request)
        assert door(request, sent) == staff
        assert door(None, totp(NOW)) == staff
        assert door(None, hotp.code_at("A" * 32, 3)) == staff
    for back in (30, 3600, 86_400 * 365):
        with time_machine.travel(NOW - back, tick=False):
            assert door(request, sent) is None
            assert door(None, totp(NOW)) is None
            assert door(None, totp(NOW - back)) is None
            assert door(None, hotp.code_at("A" * 32, 3)) is None
            # Their owner is not shut out: a new sent code counts.
            assert door(request, ask(request)) == staff


def test_a_clock_that_is_set_back_lengthens_no_life(staff, settings, door):
    """Redis measures the life of a sent code too, by a clock of its own."""
    settings.SWAP_USER = settings.SWAP_USER | {"OTP_TIMEOUT": 1}
    request = visitor()
    with time_machine.travel(NOW, tick=False):
        code = ask(request)
    time.sleep(1.2)
    for back in (0, 1, 60, 3600):
        with time_machine.travel(NOW - back, tick=False):
            assert door(request, code) is None
