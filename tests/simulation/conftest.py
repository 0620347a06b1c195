"""The fixtures of simulations."""

from __future__ import annotations

import faulthandler
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.simulation.attacker import Attacker
from tests.simulation.browsers import minted
from tests.simulation.clock import clock_of
from tests.simulation.observer import observed
from tests.simulation.owner import Owner
from tests.simulation.places import elsewhere
from tests.simulation.report import PROPERTY
from tests.simulation.year import Year
from tests.support import configure, give, make_user, use_policy

Options = dict[str, Any] | None

OWNERS = {
    "any code": {"app": True, "sent": True, "recovery": False},
    "only sent codes": {"app": False, "sent": True, "recovery": False},
    "only an app": {"app": True, "sent": False, "recovery": True},
}


@pytest.fixture(autouse=True)
def _time(request) -> None:
    """A year takes longer than any other test may; pytest takes this back afterwards."""
    if request.node.get_closest_marker("year"):
        faulthandler.dump_traceback_later(1800, exit=True, file=sys.__stderr__)


@pytest.fixture
def begin(settings, shared_redis):
    """Begin the time of one of the owners and of an attacker with these addresses."""

    @contextmanager
    def begin(
        name: str, addresses: list[str], *, owner: Options = None, attacker: Options = None
    ) -> Iterator[tuple[Owner, Attacker]]:
        options = {**(attacker or {})}
        configure(settings, OTP_DISPATCHER="tests.simulation.queue.CrowdedQueue")
        if not OWNERS[name]["sent"]:
            use_policy(settings, "AuthenticatorOnceEnrolled")
        user = make_user()
        if OWNERS[name]["app"]:
            give(user)
        # Without messages, the attempts would be few.
        options.setdefault("dense", 1 if OWNERS[name]["sent"] else 6)
        with clock_of(shared_redis.url) as clock, observed() as observer:
            options["cookies"] = minted(addresses[: options.pop("minted", 0)])
            yield (
                Owner(clock, user, **OWNERS[name], **(owner or {})),
                Attacker(clock, observer, addresses, **options),
            )

    return begin


@pytest.fixture
def live(begin, settings, record_property):
    """Live through the time of one of the owners, and note what came of it."""

    def live(
        name: str,
        days: int,
        *,
        addresses: list[str],
        what: str,
        owner: Options = None,
        attacker: Options = None,
        year: Options = None,
        limits: Options = None,
    ) -> Year:
        configure(settings, OTP_LIMITS=limits or {})
        with begin(name, addresses, owner=owner, attacker=attacker) as (who, other):
            lived = Year(days, who, other, who.clock, elsewhere(days), **(year or {}))
            lived.run()
        record_property(PROPERTY, lived.figures(f"{name}, {what}"))
        return lived

    return live
