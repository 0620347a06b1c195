"""The pages while Redis is away."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.test import Client

from swap_user.testing import outbox
from tests.otp.pages.login.helpers import (
    CHECK,
    NOBODY,
    RESEND,
    ask,
    assert_unavailable,
    code,
    enter,
    field,
    logged_in,
    text,
)
from tests.support import username

pytestmark = pytest.mark.django_db


def test_redis_away_at_the_first_step(client: Client, redis_away: Callable[[], None]) -> None:
    """Status 503 for known and unknown names, and the typed name is kept."""
    redis_away()
    for number in [1, NOBODY]:
        response = ask(client, username(number), next="/admin/x/")
        assert_unavailable(response)
        assert unescape(field(response, "username")["value"]) == username(number)
        assert field(response, "next")["value"] == "/admin/x/"
    assert outbox == []


def test_redis_away_at_the_second_step(
    client: Client, settings: Any, redis_away: Callable[[], None]
) -> None:
    """What was typed is kept, and counts when Redis is back."""
    otp = code(client)
    caches = settings.CACHES
    redis_away()
    response = enter(client, otp, next="/admin/x/")
    assert_unavailable(response)
    assert field(response, "otp")["value"] == otp
    assert field(response, "next")["value"] == "/admin/x/"
    assert not logged_in(client)
    settings.CACHES = caches
    assert enter(client, otp).status_code == 302


def test_redis_away_at_the_resend(
    client: Client, clock: Any, settings: Any, redis_away: Callable[[], None]
) -> None:
    """The code that was sent is none the worse, and no wait has begun."""
    otp = code(client)
    clock.shift(31)
    caches = settings.CACHES
    redis_away()
    response = client.post(RESEND)
    assert_unavailable(response)
    assert "value" not in field(response, "otp")
    settings.CACHES = caches
    assert 'data-otp-seconds="0"' in text(client.get(CHECK))
    assert enter(client, otp).status_code == 302
