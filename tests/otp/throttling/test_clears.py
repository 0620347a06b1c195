"""What is left when Redis loses its data: all that a year counts (R45)."""

import pytest
from django.core.cache import cache

from swap_user.models import KnownBrowser
from swap_user.otp import send_code
from swap_user.testing import outbox
from tests.otp.throttling.helpers import DAY, from_, guess, known, log_in, looked_at, wrong
from tests.support import NOW, ask, configure, enter, totp, username, visitor

pytestmark = [
    pytest.mark.requirement("R45"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock", "no_log"),
]


def test_a_clear_after_every_twenty_guesses(user, compared):
    """At most sixteen are looked at in all."""
    for number in range(10):
        guess(20, first=number * 20)
        cache.clear()
    assert len(compared) == looked_at() == 16


def test_a_clear_after_every_guess_of_a_known_browser(user, compared, settings):
    """Those of known browsers are counted in the database, too."""
    configure(settings, OTP_LIMITS={"known_guesses_per_account": "5/365d"})
    cookie = log_in(from_(0))
    compared.clear()
    for number in range(40):
        enter(known(cookie, number), wrong())
        cache.clear()
    assert len(compared) == 5 + 16


def test_a_thousand_clears_refill_no_messages(user, settings, clock):
    """Within a day: the twenty of strangers, and no more newcomers than there are in 90 days."""
    configure(settings, OTP_LIMITS={"newcomers_per_account": "50/90d"})
    for number in range(1000):
        send_code(from_(number), username())
        cache.clear()
    assert len(outbox) == 20 + 50
    clock.shift(DAY)
    for number in range(50):
        send_code(from_(number), username())
        cache.clear()
    assert len(outbox) == 20 + 50 + 20


def test_a_revoked_browser_stays_revoked(user):
    """There is nothing in Redis that says so."""
    revoked, kept = log_in(from_(0)), log_in(from_(1))
    KnownBrowser.objects.filter(user=user).order_by("pk").first().delete()
    guess(20)
    cache.clear()
    assert enter(known(revoked), totp(NOW)) is None
    assert enter(known(kept, 1), totp(NOW)) == user


def test_codes_on_their_way_are_lost(user):
    """They must be asked for again; no code counts without its challenge."""
    mine, unbound = from_(1), from_(2)
    codes = [(mine, ask(mine)), (unbound, ask(None))]
    cache.clear()
    for request, code in codes:
        assert enter(request, code) is None
    assert enter(mine, ask(mine)) == user


def test_what_is_forgotten(user, settings):
    """Limits of an hour and a day, which only slow attacks down."""
    configure(settings, OTP_LIMITS={"guesses_per_address": "1/1h", "messages_per_site": "2/1d"})
    request = visitor(REMOTE_ADDR="198.51.100.1")
    for _ in range(3):
        enter(request, wrong())
    assert looked_at() == 1
    for number in range(3):
        send_code(from_(number), username())
    before = len(outbox)
    cache.clear()
    enter(request, wrong())
    assert looked_at() == 2
    send_code(from_(1), username())
    assert len(outbox) == before + 1
