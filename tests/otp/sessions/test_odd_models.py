"""Recorded sessions of user models as projects really have them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings as django_settings

from tests import ROOT

MODELS = ["UUIDKey", "Tables", "Proxy", "Keyed", "DBColumn", "ConvertedName", "Managed"]


@pytest.mark.requirement("R50", "R52")
@pytest.mark.parametrize("router", ["", "users"], ids=["one database", "another database"])
@pytest.mark.parametrize(
    "model",
    [
        model if model == "UUIDKey" else pytest.param(model, marks=pytest.mark.heavy)
        for model in MODELS
    ],
)
def test_sessions_of_odd_models(shared_redis, model, router):
    """Primary keys that are text or UUIDs, several tables, proxies, and a second database."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.otp.sessions.odd_model"],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.otp.authenticators.odd_models.settings",
            "ODD_MODEL": model,
            "ODD_ROUTER": router,
            "ODD_REDIS": f"unix://{django_settings.REDIS_SOCKET}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts.pop("changed", [["ada"], False]) == [["ada"], False]
    assert facts == {"listed": True, "left": True, "rows": 1, "sessions": 1}
