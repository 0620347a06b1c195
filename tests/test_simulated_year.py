import logging
import time

import pytest

from swap_user import identity
from swap_user.otp import store
from tests.simulation import Attacker, Owner, Year, clock_of, observed
from tests.support import give, make_user, username

pytestmark = pytest.mark.django_db

OWNERS = {
    "any code": dict(app=True, sent=True, recovery=False),
    "only sent codes": dict(app=False, sent=True, recovery=False),
    "only an app and recovery codes": dict(app=True, sent=False, recovery=True),
}


@pytest.fixture(autouse=True)
def _quiet():
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def simulate(name, settings, days, *, adaptive=False):
    if name == "only an app and recovery codes":
        policy = "swap_user.otp.policies.AuthenticatorOnceEnrolled"
        settings.SWAP_USER = settings.SWAP_USER | {"OTP_POLICY_CLASS": policy}
    user = make_user()
    if OWNERS[name]["app"]:
        give(user)
    account = store.account_key(identity.normalize(username()))
    addresses = [f"198.18.{number // 250}.{number % 250 + 1}" for number in range(1000)]
    with clock_of(account) as clock, observed() as observer:
        year = Year(
            days,
            Owner(clock, user, **OWNERS[name]),
            Attacker(clock, observer, addresses),
            clock,
            adaptive=adaptive,
        )
        year.run()
    return year


import os


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("name", OWNERS)
def test_year(name, adaptive, settings):
    began = time.monotonic()
    year = simulate(name, settings, int(os.environ.get("DAYS", "365")), adaptive=adaptive)
    print("\n" + year.report(name), f"\n {time.monotonic() - began:.1f} s")
