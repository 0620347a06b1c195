"""A site whose requests are transactions that are rolled back after a refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import transaction

from swap_user.testing import wait_for_deliveries
from tests.simulation.places import botnet
from tests.simulation.test_year import FEWER, FIFTH, check, check_year

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.heavy,
    pytest.mark.usefixtures("no_log"),
    pytest.mark.requirement("R19", "R20", "R43"),
]


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll back what is done within. With SQLite, a thread then stores it again."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    assert wait_for_deliveries()


WHAT = "requests that are rolled back"


def test_a_few_days_of_rolled_back_attempts(live):
    """Each wrong guess counts, whatever happens to the transaction in which it was made."""
    attacker, year = {"caller": rolled_back}, {"every": 2}
    check(live("any code", 4, addresses=botnet(60), what=WHAT, attacker=attacker, year=year))


@pytest.mark.year
def test_a_year_of_rolled_back_attempts(live):
    """The same for a year."""
    options = {"attacker": {"caller": rolled_back}} | FIFTH
    check_year(live("any code", 365, addresses=botnet(FEWER), what=WHAT, **options))
