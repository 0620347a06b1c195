"""What a required app costs: nothing where there is no rule, and no query most of the time."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from swap_user.otp.enforcement import rule
from swap_user.otp.enforcement.standing import ASKED_EVERY
from swap_user.testing import enroll_authenticator, log_in
from tests.clock import Clock

pytestmark = pytest.mark.django_db


def statements(client: Client, url: str) -> list[str]:
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return [query["sql"] for query in queries]


@pytest.mark.parametrize("url", ["/page/", "/pay/", "/account/sessions/", "/admin/"])
@pytest.mark.parametrize("who", ["not concerned", "enrolled", "in the grace period"])
def test_no_query_for_most_requests(
    client: Client, user: Any, use: Any, join: Any, clock: Clock, url: str, who: str
) -> None:
    """After the first one, as many as without a policy that requires apps."""
    if who != "not concerned":
        join("Finance")
    if who == "enrolled":
        enroll_authenticator(user)
    use("Finance")
    log_in(client, user)
    client.get(url)
    assert len(statements(client, url)) == _without_a_rule(client, url)
    clock.shift(ASKED_EVERY - 1)
    assert len(statements(client, url)) == _without_a_rule(client, url)


def _without_a_rule(client: Client, url: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule, "exists", lambda: False)
        return len(statements(client, url))


def test_what_the_first_request_asks(
    client: Client, user: Any, use: Any, join: Any, clock: Clock
) -> None:
    """The groups, the period and the apps: one query each, and one more to begin the period."""
    use("Finance")
    join("Finance")
    log_in(client, user)

    def asked() -> list[str]:
        tables = ("auth_group", "enrollmentgrace", "authenticator")
        return [
            sql.split()[0]
            for sql in statements(client, "/page/")
            if any(table in sql for table in tables)
        ]

    assert asked() == ["SELECT", "SELECT", "INSERT", "SELECT"]
    assert asked() == []
    clock.shift(ASKED_EVERY)
    assert asked() == ["SELECT", "SELECT", "SELECT"]


def test_a_user_who_is_led_away_costs_one_query(
    client: Client, user: Any, use: Any, join: Any
) -> None:
    """Whether an app was added meanwhile."""
    use("Finance")
    join("Root")
    log_in(client, user)
    client.get("/page/")
    found = [sql for sql in statements(client, "/page/") if "authenticator" in sql]
    assert len(found) == 1
