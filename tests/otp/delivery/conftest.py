"""What tests of deliveries share."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import make_user

ADDRESS = "owner@example.com"


@pytest.fixture
def owner(db: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A user with an email address, whatever the model."""
    for module in ("senders", "delivery.notices"):
        monkeypatch.setattr(f"swap_user.otp.{module}.email_address", lambda user: ADDRESS)
    return make_user()
