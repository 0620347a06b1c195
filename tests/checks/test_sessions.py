"""System checks of the session engine."""

import pytest
from django.contrib.auth import get_user_model

from swap_user.checks import sessions
from swap_user.middleware import LoginSessionMiddleware
from tests.checks.test_configuration import ours
from tests.checks.test_deployment import _otherwise_well_deployed, deployed

pytestmark = pytest.mark.django_db

__all__ = ["_otherwise_well_deployed"]

STAMPED = hasattr(get_user_model(), "rotate_security_stamp")
MIDDLEWARE = "swap_user.middleware.LoginSessionMiddleware"


class OwnMiddleware(LoginSessionMiddleware):
    """A subclass of a project."""


@pytest.mark.parametrize("engine", ["db", "cached_db", "cache", "file", "signed_cookies"])
def test_what_each_engine_lacks(settings, engine):
    """W008: cookies can't be ended without a stamp. W015: caches and files need the middleware."""
    settings.SESSION_ENGINE = f"django.contrib.sessions.backends.{engine}"
    expected = set()
    if engine == "signed_cookies" and not STAMPED:
        expected = {"swap_user.W008"}
    elif engine in {"cache", "file"}:
        expected = {"swap_user.W015"}
    assert set(deployed()) == expected
    assert ours() == {}


@pytest.mark.parametrize("path", [MIDDLEWARE, f"{__name__}.OwnMiddleware"])
def test_w015_with_the_middleware(settings, path):
    """It, or a subclass, is enough; what can't be imported is somebody else's error."""
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    settings.MIDDLEWARE = ["not.there", "tests.support.visitor", *settings.MIDDLEWARE]
    assert "swap_user.W015" in deployed()
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, path]
    assert deployed() == {}


def test_w016_clearsessions_of_another_app(settings, monkeypatch):
    """Whichever app comes first has the command."""
    monkeypatch.setattr(
        sessions, "get_commands", lambda: {"clearsessions": "django.contrib.sessions"}
    )
    assert 'above "django.contrib.sessions"' in deployed()["swap_user.W016"]
    assert ours() == {}
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    assert "swap_user.W016" not in deployed()


def test_an_engine_that_can_not_be_imported(settings):
    """Django raises its own error at the first request."""
    settings.SESSION_ENGINE = "not.there"
    assert deployed() == {}
