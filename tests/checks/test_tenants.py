"""The check of a project whose tenants have users of their own."""

import pytest
from django.contrib.auth import get_user_model

from swap_user.checks.tenants import check_tenants
from swap_user.otp.dispatchers import ThreadDispatcher
from tests.support import configure


class OwnDispatcher(ThreadDispatcher):
    """Knows the tenant in a way of the project's own."""

    def job_context(self):
        return "tenant"


def own_keys(key, key_prefix, version):
    return key


OWN = f"{__name__}.OwnDispatcher"
THREADS = "swap_user.otp.dispatchers.ThreadDispatcher"


@pytest.fixture
def tenants(monkeypatch, settings):
    """django-tenants is installed, and users are in its tenants."""
    monkeypatch.setattr("django.apps.apps.is_installed", lambda name: name == "django_tenants")
    settings.TENANT_APPS = [get_user_model()._meta.app_config.name]
    return settings


def use(settings, dispatcher, *, own=False):
    configure(settings, OTP_DISPATCHER=dispatcher)
    cache = {**settings.CACHES["default"]}
    if own:
        cache["KEY_FUNCTION"] = f"{__name__}.own_keys"
    settings.CACHES = {"default": cache}


@pytest.mark.parametrize(
    ("dispatcher", "own", "hints"),
    [
        (THREADS, False, ["TenantThreadDispatcher", "KEY_FUNCTION"]),
        (THREADS, True, ["TenantThreadDispatcher"]),
        (OWN, False, ["KEY_FUNCTION"]),
    ],
)
def test_w017(tenants, dispatcher, own, hints):
    """What is missing is in the hint, and nothing else."""
    use(tenants, dispatcher, own=own)
    (message,) = check_tenants(None)
    assert message.id == "swap_user.W017"
    for word in ("TenantThreadDispatcher", "KEY_FUNCTION"):
        assert (word in message.hint) == (word in hints)


@pytest.mark.parametrize("dispatcher", [OWN, "swap_user.otp.dispatchers.InlineDispatcher"])
def test_a_project_that_knows_its_tenants(tenants, dispatcher):
    """Also in tests, where jobs run in the request."""
    use(tenants, dispatcher, own=True)
    assert check_tenants(None) == []


@pytest.mark.parametrize("value", ["no.such.Dispatcher", 7])
def test_what_other_checks_report(tenants, value):
    """It is not reported twice."""
    use(tenants, value, own=True)
    assert check_tenants(None) == []


def test_users_of_all_tenants(tenants):
    """Users in the public schema are the same in each tenant."""
    tenants.TENANT_APPS = ["django.contrib.sessions"]
    use(tenants, THREADS)
    assert check_tenants(None) == []


def test_without_django_tenants(settings):
    """Nothing to say."""
    settings.TENANT_APPS = [get_user_model()._meta.app_config.name]
    use(settings, THREADS)
    assert check_tenants(None) == []
