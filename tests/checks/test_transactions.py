"""W021: a transaction of the request with a database that takes no second connection."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection

from swap_user.checks.deployment import deploy_check_transactions


@pytest.mark.requirement("R43", "R45")
@pytest.mark.parametrize("atomic", [True, False])
def test_transactions_of_requests(monkeypatch: Any, atomic: bool) -> None:
    """Only SQLite is reported, and only with ATOMIC_REQUESTS."""
    monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", atomic)
    found = deploy_check_transactions(None)
    assert [each.id for each in found] == ["swap_user.W021"] * (
        atomic and connection.vendor == "sqlite"
    )
    assert all("SQLite" in each.msg for each in found)
