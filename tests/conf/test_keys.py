"""Settings: typed, read when used."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from swap_user.conf import declared, swap_user_settings
from swap_user.conf.setting import Setting


def test_defaults_hold_without_a_setting(settings):
    """A project that names nothing gets every default, and each is its own kind of value."""
    del settings.SWAP_USER
    for setting in declared():
        assert getattr(swap_user_settings, setting.name) == setting.default
        assert list(setting.problems(setting.default)) == []
        assert setting.help_text


def test_there_are_few_settings():
    """Every key is one more decision for each project."""
    assert len(list(declared())) <= 24


def test_settings_are_read_when_used():
    """override_settings works, and what it overrides comes back."""
    with override_settings(SWAP_USER={"OTP_TIMEOUT": 60}):
        assert swap_user_settings.OTP_TIMEOUT == 60
    assert swap_user_settings.OTP_TIMEOUT == 300


@pytest.mark.parametrize(
    "value",
    [
        {"OTP_TIMEOUT": "300"},
        {"OTP_TIMEOUT": True},
        {"OTP_TIMEOUT": 0},
        {"OTP_TIMEOUT": 601},
        "OTP_TIMEOUT=300",
    ],
)
def test_a_bad_value_is_never_used(value):
    """Where no check ran, the mistake is reported at the first use instead of working by chance."""
    with override_settings(SWAP_USER=value), pytest.raises(ImproperlyConfigured, match="SWAP_USER"):
        swap_user_settings.OTP_TIMEOUT  # noqa: B018


def test_none_is_a_bad_value_from_the_start(settings):
    """None is reported even if no value of this key was read before."""
    setting = Setting(5, help_text="a number")
    setting.__set_name__(object, "OTP_DIGITS")
    settings.SWAP_USER = {"OTP_DIGITS": None}
    with pytest.raises(ImproperlyConfigured, match="OTP_DIGITS"):
        setting.__get__(object(), object)


def test_zero_proxies_are_allowed(settings):
    """The visitor is then the address of the connection."""
    settings.SWAP_USER = {"OTP_PROXIES": 0}
    assert swap_user_settings.OTP_PROXIES == 0
    settings.SWAP_USER = {"OTP_PROXIES": -1}
    with pytest.raises(ImproperlyConfigured, match="must be at least 0, not -1"):
        swap_user_settings.OTP_PROXIES  # noqa: B018
