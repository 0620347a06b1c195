"""System checks: every id, and that a good project gets no message."""

import os
import sys
from base64 import b64encode
from types import ModuleType, SimpleNamespace

import pytest
from django.contrib import admin
from django.core import checks
from django.core.checks import run_checks
from django.core.management import call_command
from django.urls import include, path

from swap_user.checks.configuration import check_backend, check_settings
from swap_user.conf import SwapUserSettings
from swap_user.otp.senders import AbstractOTPSender, EmailOTPSender

pytestmark = pytest.mark.django_db


class StillAbstract(AbstractOTPSender):
    """A sender without `send`."""


class Loud(AbstractOTPSender):
    """A sender as it should be."""

    def send(self, receiver, otp, **kwargs):
        """Do nothing."""


class EmailElsewhere(EmailOTPSender):
    """One that knows addresses which are in no field."""

    def get_receiver(self, user):
        return "elsewhere@example.com"


def ours(**options):
    """Return the messages of this package's checks, as (id, text and hint)."""
    return {
        message.id: f"{message.msg} {message.hint}"
        for message in run_checks(**options)
        if message.id.startswith("swap_user.")
    }


def test_a_good_project_has_nothing_to_be_told():
    """No message of ours, and `manage.py check` passes as a whole."""
    assert ours() == {}
    call_command("check", fail_level="WARNING")


def test_a_well_deployed_project_has_nothing_to_be_told(settings):
    """With keys of its own, a sender that delivers and a safe cookie: no word of ours."""
    settings.SESSION_COOKIE_SECURE = True
    settings.SWAP_USER = {
        "OTP_SENDER_CLASS": f"{__name__}.Loud",
        "OTP_ENCRYPTION_KEYS": [b64encode(os.urandom(32)).decode()],
    }
    assert ours(include_deployment_checks=True) == {}


def test_e001_site_without_app(settings):
    """The OTP admin without the app is reported."""
    settings.INSTALLED_APPS = [app for app in settings.INSTALLED_APPS if app != "swap_user"]
    assert "INSTALLED_APPS" in ours()["swap_user.E001"]


@pytest.mark.parametrize("value", ["x", [("OTP_TIMEOUT", 3)], None])
def test_e002_not_a_dict(settings, value):
    """SWAP_USER must be a dict; the other checks then stay silent instead of failing."""
    settings.SWAP_USER = value
    assert set(ours(include_deployment_checks=True)) >= {"swap_user.E002"}


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("OTP_TIMEOUTS", "Did you mean 'OTP_TIMEOUT'?"),
        ("OTP_LENGTH", "It is now called OTP_DIGITS."),
        ("OTP_ALPHABET", "It was removed after version 0.9.8 and has no successor: delete it."),
        ("OTP_GUESSES_PER_ACCOUNT", 'OTP_LIMITS": {"guesses_per_account": "5/365d"}.'),
        ("OTP_SENDS_PER_BROWSER", 'OTP_LIMITS["known_messages_per_account"]'),
        ("OTP_GUESSES_PER_CODE", "It is always 5 now: delete it."),
        ("WHATEVER", "Allowed are: OTP_SENDER_CLASS"),
        (5, "Allowed are:"),
    ],
)
def test_e003_unknown_key(settings, key, hint):
    """An unknown key is reported with what was probably meant, former keys by name."""
    settings.SWAP_USER = {**settings.SWAP_USER, key: 5}
    assert hint in ours()["swap_user.E003"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("OTP_DIGITS", 5, marks=pytest.mark.requirement("R4")),
        pytest.param("OTP_TIMEOUT", 601, marks=pytest.mark.requirement("R22")),
        ("OTP_DIGITS", 11),
        pytest.param("OTP_PERIOD", 121, marks=pytest.mark.requirement("R5")),
        ("OTP_STAFF_MUST_ENROLL", "yes"),
        ("OTP_STAFF_MUST_ENROLL", 1),
        ("OTP_TIMEOUT", 0),
        ("OTP_TIMEOUT", "300"),
        ("OTP_TIMEOUT", 3.5),
        ("OTP_TIMEOUT", True),
        ("OTP_SENDER_CLASS", Loud),
        ("OTP_CACHE", None),
        ("OTP_ENCRYPTION_KEYS", "a single string"),
        ("OTP_ENCRYPTION_KEYS", [b"bytes"]),
        ("OTP_LIMITS", ["16/365d"]),
        ("OTP_LIMITS", None),
    ],
)
def test_e004_bad_value(settings, key, value):
    """A value of another type or out of its range is reported, such as five digits."""
    settings.SWAP_USER = {**settings.SWAP_USER, key: value}
    assert key in ours(include_deployment_checks=True)["swap_user.E004"]


def test_e004_bad_limits(settings):
    """Each limit is reported with its name, and with what it means or what was meant."""
    settings.SWAP_USER = {
        **settings.SWAP_USER,
        "OTP_LIMITS": {
            "guesses_per_account": "16/1d",
            "newcomers_per_account": 10_001,
            "messages_per_accounts": 5,
            "asks_per_address": 0,
            5: 5,
        },
    }
    told = [
        (message.msg.removeprefix("SWAP_USER['OTP_LIMITS']"), message.hint)
        for message in check_settings(None)
    ]
    limits = SwapUserSettings.OTP_LIMITS.limits
    assert told == [
        (
            "['guesses_per_account'] must be a rate per 365d, such as '16/365d', not '16/1d'.",
            limits["guesses_per_account"].help_text,
        ),
        (
            "['newcomers_per_account'] must be at most 10000, not 10001.",
            limits["newcomers_per_account"].help_text,
        ),
        (
            " has the unknown limit 'messages_per_accounts'.",
            "Did you mean 'messages_per_account'?",
        ),
        (" has the unknown limit 5.", f"Allowed are: {', '.join(limits)}."),
    ]
    assert set(ours(include_deployment_checks=True)) >= {"swap_user.E004"}


def test_e005_bad_key(settings):
    """A malformed key is reported by its place in the list, and not repeated."""
    good, bad = b64encode(os.urandom(32)).decode(), b64encode(b"too short").decode()
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_ENCRYPTION_KEYS": [good, bad]}
    text = ours()["swap_user.E005"]
    assert "[1]" in text
    assert bad not in text


def test_e006_no_such_cache(settings):
    """An alias that CACHES lacks, or whose backend can't be imported."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_CACHE": "nowhere"}
    assert "nowhere" in ours()["swap_user.E006"]


@pytest.mark.parametrize("backend", ["locmem.LocMemCache", "dummy.DummyCache", "db.DatabaseCache"])
def test_e007_not_redis(settings, backend):
    """Only Redis will do."""
    settings.CACHES = {
        "default": {"BACKEND": f"django.core.cache.backends.{backend}", "LOCATION": "x"}
    }
    told = ours()["swap_user.E007"]
    assert "RedisCache" in told
    assert "in one atomic step for all processes" in told


@pytest.mark.parametrize("backend", ["django.core.cache.backends.redis", "django_redis.cache"])
def test_both_redis_backends_will_do(settings, backend):
    """Django's and django-redis' are known."""
    settings.CACHES = {
        "default": {"BACKEND": f"{backend}.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    assert ours() == {}


def test_e008_no_backend(settings):
    """Without our backend no user can log in with a code."""
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    assert "OTPBackend" in ours()["swap_user.E008"]


@pytest.fixture
def serve(settings, monkeypatch):
    """Returns a function that makes the URL patterns it gets those of the project."""

    def serve(*patterns):
        urlconf = ModuleType("urlconf_of_a_test")
        urlconf.urlpatterns = list(patterns)
        monkeypatch.setitem(sys.modules, urlconf.__name__, urlconf)
        settings.ROOT_URLCONF = urlconf.__name__

    return serve


@pytest.fixture
def unwritten(settings, monkeypatch):
    """A project that defines neither CACHES nor AUTHENTICATION_BACKENDS yet."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    settings.AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
    unwritten = SimpleNamespace(
        AUTHENTICATION_BACKENDS=settings.AUTHENTICATION_BACKENDS, is_overridden=lambda name: False
    )
    monkeypatch.setattr("swap_user.checks.configuration.settings", unwritten)
    monkeypatch.setattr("swap_user.checks.helpers.settings", unwritten)


@pytest.mark.usefixtures("unwritten")
def test_w003_and_w004_while_a_project_is_being_set_up(serve):
    """What is not written yet is a warning, so that the steps before it can be taken."""
    serve(path("admin/", admin.site.urls))
    assert set(ours()) == {"swap_user.W003", "swap_user.W004"}


@pytest.mark.usefixtures("unwritten")
def test_w004_with_a_broken_urlconf(settings):
    """Django reports the URLconf."""
    settings.ROOT_URLCONF = "no.such.urlconf"
    assert [message.id for message in check_backend(None)] == ["swap_user.W004"]


@pytest.mark.usefixtures("unwritten")
@pytest.mark.parametrize(
    "pages",
    [
        path("account/", include("swap_user.otp.urls")),
        path("shop/", include([path("account/", include("swap_user.otp.urls"))])),
    ],
    ids=["own", "nested"],
)
def test_e008_pages_without_a_backend(serve, pages):
    """The own pages are served, so the setting that was forgotten is an error."""
    serve(pages)
    (found,) = check_backend(None)
    assert (found.id, found.level) == ("swap_user.E008", checks.ERROR)
    assert found.hint == 'Add "swap_user.backends.OTPBackend" to AUTHENTICATION_BACKENDS.'


def test_a_subclass_of_the_backend_will_do(settings):
    """A project's own subclass counts."""
    settings.AUTHENTICATION_BACKENDS = ["tests.test_backends.Strict"]
    assert ours() == {}


@pytest.mark.parametrize("path", ["no.such.Sender", "swap_user.otp.senders.Nope", "nodots", ""])
def test_e009_sender_not_importable(settings, path):
    """A path that leads nowhere."""
    settings.SWAP_USER = {"OTP_SENDER_CLASS": path}
    assert "can't be imported" in ours()["swap_user.E009"]


@pytest.mark.parametrize("path", ["StillAbstract", "ours"])
def test_e010_not_a_usable_sender(settings, path):
    """Something else than a sender, or one without `send`."""
    settings.SWAP_USER = {"OTP_SENDER_CLASS": f"{__name__}.{path}"}
    assert path in ours()["swap_user.E010"]


def test_e011_email_without_field(settings, monkeypatch):
    """Mails for a model without an email field, unless the sender knows better."""
    from django.contrib.auth import get_user_model

    monkeypatch.setattr(get_user_model(), "EMAIL_FIELD", "nowhere", raising=False)
    settings.SWAP_USER = {"OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender"}
    assert "nowhere" in ours()["swap_user.E011"]
    settings.SWAP_USER = {"OTP_SENDER_CLASS": f"{__name__}.EmailElsewhere"}
    assert ours() == {}


@pytest.mark.parametrize("path", ["no.such.Policy", "swap_user.otp.policies.Nope", ""])
def test_e012_policy_not_importable(settings, path):
    """A path that leads nowhere."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_POLICY_CLASS": path}
    assert "can't be imported" in ours()["swap_user.E012"]


@pytest.mark.parametrize("name", ["missing", "PASSWORD"])
def test_e013_not_a_policy(settings, name):
    """Something else than a policy."""
    path = f"swap_user.otp.policies.{name}"
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_POLICY_CLASS": path}
    assert path in ours()["swap_user.E013"]


def test_w001_and_w002_at_deployment_only(settings):
    """A derived key and the terminal sender are reported by `check --deploy`."""
    settings.SESSION_COOKIE_SECURE = True
    settings.SWAP_USER = {}
    assert ours() == {}
    assert set(ours(include_deployment_checks=True)) == {"swap_user.W001", "swap_user.W002"}


@pytest.mark.parametrize(
    ("name", "hint"),
    [("new_browser_logins", "Did you mean 'new_browser_login'?"), ("x", "Allowed are:")],
)
def test_e016_no_such_notice(settings, name, hint):
    """An unknown notice is reported; known ones are no mistake, nor is an empty list."""
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_NOTICES": ["recovery_code_used", name]}
    text = ours()["swap_user.E016"]
    assert repr(name) in text
    assert hint in text
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_NOTICES": []}
    assert ours() == {}
