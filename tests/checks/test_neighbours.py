"""Checks of other packages that see codes."""

import pytest

from swap_user.checks.neighbours import check_axes


@pytest.fixture
def _axes(monkeypatch):
    monkeypatch.setattr("django.apps.apps.is_installed", lambda name: name == "axes")


@pytest.mark.requirement("R41")
@pytest.mark.usefixtures("_axes")
def test_e017(settings):
    """django-axes must be configured to leave codes out."""
    settings.AXES_SENSITIVE_PARAMETERS = ["username", "ip_address"]
    (message,) = check_axes(None)
    assert message.id == "swap_user.E017"
    settings.AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "otp"]
    assert check_axes(None) == []


def test_without_axes():
    """A project without django-axes needs no setting."""
    assert check_axes(None) == []
