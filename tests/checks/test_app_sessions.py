"""The system checks of the sessions of apps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps

from swap_user.otp.policies import AnyCode
from tests.checks.test_configuration import ours
from tests.support import configure

pytestmark = pytest.mark.django_db


class Quick(AnyCode):
    """A policy of a project."""

    app_session_idle = timedelta(minutes=1)
    app_session_lifetime = timedelta(hours=1)


@pytest.fixture
def policy(settings: Any) -> Any:
    """A policy of a project, whose attributes a test can change."""
    configure(settings, OTP_POLICY_CLASS=f"{__name__}.Quick")
    return Quick


def test_a_policy_of_a_project(policy: Any) -> None:
    assert ours() == {}


@pytest.mark.parametrize(
    ("idle", "lifetime"),
    [
        (3600, timedelta(hours=1)),
        (timedelta(hours=1), "1h"),
        (None, None),
        (timedelta(0), timedelta(hours=1)),
        (timedelta(hours=2), timedelta(hours=1)),
        (timedelta(days=4000), timedelta(days=4000)),
    ],
)
def test_e027_wrong_lifetimes(policy: Any, monkeypatch: Any, idle: Any, lifetime: Any) -> None:
    monkeypatch.setattr(policy, "app_session_idle", idle)
    monkeypatch.setattr(policy, "app_session_lifetime", lifetime)
    assert repr(idle) in ours()["swap_user.E027"]


def test_e027_only_with_the_api(policy: Any, monkeypatch: Any, settings: Any) -> None:
    monkeypatch.setattr(policy, "app_session_idle", 3600)
    settings.ROOT_URLCONF = "tests.otp.pages.account.admin_only_urls"
    assert ours() == {}


def test_e028_no_place_for_sessions(settings: Any, monkeypatch: Any) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert ours() == {}
    is_installed = apps.is_installed
    monkeypatch.setattr(
        apps, "is_installed", lambda name: name != "django.contrib.sessions" and is_installed(name)
    )
    assert "django.contrib.sessions" in ours()["swap_user.E028"]
