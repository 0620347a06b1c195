"""An app of a test, whose codes are accepted however often it is asked."""

import pytest
from asgiref.sync import async_to_sync

from swap_user.models import Authenticator
from swap_user.otp.authenticators.secrets import open_secret
from swap_user.otp.store import connection
from swap_user.testing import enroll_authenticator, outbox
from tests.support import configure, enter, visitor

pytestmark = pytest.mark.django_db


def test_every_code_is_accepted(user, door):
    """Without moving the clock: the current one, the next one, and then again."""
    app = enroll_authenticator(user)
    given = []
    for _ in range(6):
        given.append(app.now())
        assert door(visitor(), given[-1]) == user
    assert given[0] != given[1]


def test_a_used_code_stays_used(user, door, clock):
    """The next code is another one, so a test can show that the first is refused."""
    app = enroll_authenticator(user)
    first = app.now()
    assert door(visitor(), first) == user
    assert door(visitor(), first) is None
    second = app.now()
    assert second != first
    assert door(visitor(), first) is None
    assert door(visitor(), second) == user


def test_what_is_not_used_is_shown_again(user, clock):
    """As by a real app."""
    app = enroll_authenticator(user)
    shown = app.now()
    assert shown == app.now()
    assert enter(visitor(), "000000") is None
    assert shown == app.now()
    clock.shift(30)
    assert app.now() != shown


def test_a_clock_that_is_set_back(user, clock, settings):
    """Codes of the future were used. No later code is accepted early."""
    configure(settings, OTP_FUTURE_STEPS=0)
    app = enroll_authenticator(user)
    assert enter(visitor(), app.now()) == user
    clock.shift(-3600)
    for _ in range(2):
        assert enter(visitor(), app.now()) == user


def test_without_redis(user, monkeypatch):
    """To enroll an app and to read its code needs none, and no notice is sent."""
    monkeypatch.setattr(connection, "client", lambda alias: pytest.fail("used Redis"))
    app = enroll_authenticator(user, name="Work phone")
    assert app.now().isdecimal()
    assert str(app.authenticator) == "Work phone"
    assert outbox.notices == []


def test_the_code_is_that_of_an_app(user, clock):
    """Of any, which knows the secret."""
    import pyotp

    app = enroll_authenticator(user)
    assert app.now() == pyotp.TOTP(str(open_secret(app.authenticator))).now()


def test_in_asynchronous_code(user):
    """now() gives the current code there, anow() one that is accepted."""
    app = enroll_authenticator(user)
    shown = app.now()
    assert enter(visitor(), shown) == user

    async def test() -> None:
        assert app.now() == shown
        assert await app.anow() != shown

    async_to_sync(test)()


def test_an_app_that_was_removed(user):
    """Its code is refused, as that of any removed app."""
    app = enroll_authenticator(user)
    Authenticator.objects.all().delete()
    assert enter(visitor(), app.now()) is None
