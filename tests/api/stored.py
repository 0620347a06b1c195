"""What the server stores of sessions, of browsers and of apps."""

from __future__ import annotations

from typing import Any

from django.contrib.sessions.models import Session

from swap_user.otp.sessions import engines
from swap_user.otp.sessions.app_store import is_app_key


def stored_sessions() -> dict[str, dict[str, Any]]:
    """Return the data of all sessions in the table, by their keys."""
    found = {}
    for key in Session.objects.values_list("session_key", flat=True):
        store = engines.app_store_class() if is_app_key(key) else engines.store_class()
        found[key] = dict(store(key).items())
    return found
