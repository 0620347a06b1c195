"""What tests of checks share."""

from __future__ import annotations

from weakref import WeakSet

import pytest
from django.contrib import admin


@pytest.fixture(autouse=True)
def _only_the_sites_of_this_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other test modules have admin sites of their own, which are odd on purpose."""
    monkeypatch.setattr("django.contrib.admin.sites.all_sites", WeakSet([admin.site]))
