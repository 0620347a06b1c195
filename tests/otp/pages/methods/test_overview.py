"""The page that lists a user's sign-in methods."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from swap_user.models import RecoveryCode
from swap_user.otp import generate_recovery_codes
from swap_user.testing import MemoryOTPSender, log_in
from tests.otp.pages.login.helpers import text
from tests.otp.pages.methods.helpers import METHODS, remove, rename
from tests.support import give, make_user, use_policy, username

pytestmark = pytest.mark.django_db


def test_overview(client: Client, clock: Any, user: Any) -> None:
    """The page lists the user's own authenticators and recovery codes, escaped."""
    page = text(client.get(METHODS))
    assert "None yet." in page
    assert f"<bdi>{username()}</bdi>" in page
    assert "Get recovery codes" in page
    row = give(user, name="Work <b>phone</b>")
    give(make_user(2), name="Somebody else's")
    generate_recovery_codes(user)
    response = client.get(METHODS)
    page = text(response)
    assert "Work <b>phone</b>" not in response.content.decode()
    assert "Authenticator app · added Jan. 15, 2027 · never used" in page
    assert "10 codes left" in page
    assert rename(row) in page
    assert remove(row) in page
    assert "Somebody else's" not in page


def test_overview_says_when_sent_codes_are_of_no_use(
    client: Client, user: Any, settings: Any
) -> None:
    """With a policy that no longer takes sent codes the page says so."""
    use_policy(settings, "AuthenticatorOnceEnrolled")
    assert "no longer let you in" not in text(client.get(METHODS))
    give(user)
    log_in(client, user, ["authenticator"])
    assert "no longer let you in" in text(client.get(METHODS))


def test_few_recovery_codes(client: Client, user: Any) -> None:
    """The page suggests a new set when few codes are left."""
    generate_recovery_codes(user)
    RecoveryCode.objects.filter(
        pk__in=list(RecoveryCode.objects.values_list("pk", flat=True)[:9])
    ).delete()
    page = text(client.get(METHODS))
    assert "1 code left" in page
    assert "Time for a new set." in page


def test_a_sender_that_knows_no_receiver(client: Client, user: Any, monkeypatch: Any) -> None:
    """The page is shown, and says that there is no address."""
    monkeypatch.setattr(MemoryOTPSender, "get_receiver", lambda *args: 1 / 0)
    response = client.get(METHODS)
    assert response.status_code == 200
    assert "No address" in text(response)
