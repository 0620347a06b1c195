"""Limits: rates that show their period, merged over the defaults, and the arithmetic of a year."""

from typing import get_args

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from swap_user.conf import SwapUserSettings, limits

DECLARED = SwapUserSettings.OTP_LIMITS.limits

DEFAULTS = {
    "guesses_per_account": (16, 365 * 86_400),
    "known_guesses_per_account": (50, 365 * 86_400),
    "guesses_per_address": (100, 3600),
    "asks_per_address": (100, 3600),
    "messages_per_account": (20, 86_400),
    "known_messages_per_account": (40, 86_400),
    "newcomers_per_account": (1250, 90 * 86_400),
    "newcomers_per_neighbourhood": (3, 3600),
    "messages_per_receiver": (20, 86_400),
    "known_messages_per_receiver": (40, 86_400),
    "unknown_messages_per_receiver": (5, 86_400),
    "unknown_messages_per_site": (500, 86_400),
    "messages_per_site": (None, 86_400),
}


def given(**rates):
    """Set some limits."""
    return override_settings(SWAP_USER={"OTP_LIMITS": rates})


def test_defaults(settings):
    """Every limit has a default, which is a rate of its period."""
    del settings.SWAP_USER
    assert {name: (limits.limit(name), limits.period(name)) for name in DECLARED} == DEFAULTS
    assert all(limit.help_text for limit in DECLARED.values())


def test_types():
    """Type checkers know of every limit but one that it always has a count."""
    assert [*get_args(limits.Counted), "messages_per_site"] == list(DECLARED)


def test_a_limit_is_merged_over_the_defaults():
    """A rate or its count alone; the other limits keep their defaults."""
    with given(guesses_per_account="8/365d", messages_per_site=1000):
        assert limits.limit("guesses_per_account") == 8
        assert limits.limit("messages_per_site") == 1000
        assert limits.limit("guesses_per_address") == 100
    assert limits.limit("guesses_per_account") == 16
    assert limits.limit("messages_per_site") is None


@pytest.mark.parametrize("name", DECLARED)
def test_the_range_of_each(name):
    """From 0, which allows none, to the maximum, written in both ways."""
    limit = DECLARED[name]
    for count in (0, limit.maximum):
        for rate in (count, f"{count}/{limit.period}"):
            with given(**{name: rate}):
                assert limits.limit(name) == count
    for rate in (-1, limit.maximum + 1, f"{limit.maximum + 1}/{limit.period}", 10**5000):
        with given(**{name: rate}), pytest.raises(ImproperlyConfigured, match=f"'{name}'"):
            limits.limit(name)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("16/1d", "'16/1d'"),
        ("16/1y", "'16/1y'"),
        ("16/365D", "'16/365D'"),
        ("16", "'16'"),
        ("", "''"),
        ("/365d", "'/365d'"),
        (" 16/365d", "' 16/365d'"),
        ("16/365d/365d", "'16/365d/365d'"),
        ("-1/365d", "'-1/365d'"),
        ("1.5/365d", "'1.5/365d'"),
        ("１６/365d", "'１６/365d'"),
        ("9" * 5000 + "/365d", "str"),
        (16.0, "float"),
        (True, "True"),
        (None, "None"),
        ((16, "365d"), "tuple"),
    ],
)
def test_anything_but_a_rate_is_refused(value, shown):
    """The period is shown, not set; the message says how a rate is written."""
    with given(guesses_per_account=value), pytest.raises(ImproperlyConfigured) as error:
        limits.limit("guesses_per_account")
    assert str(error.value) == (
        "SWAP_USER['OTP_LIMITS']['guesses_per_account'] must be a rate per 365d, such as "
        f"'16/365d', not {shown}."
    )


def test_only_the_site_may_have_no_limit():
    """None is allowed for messages_per_site, and the message of another mistake says so."""
    with given(messages_per_site=None):
        assert limits.limit("messages_per_site") is None
    with given(messages_per_site="a lot"), pytest.raises(ImproperlyConfigured) as error:
        limits.limit("messages_per_site")
    assert "must be None or a rate per 1d, such as '1000/1d', not 'a lot'." in str(error.value)


@pytest.mark.parametrize("value", ["16/365d", [("guesses_per_account", 8)], None, 16])
def test_only_a_dict_has_limits(value):
    """Another type is refused."""
    with (
        override_settings(SWAP_USER={"OTP_LIMITS": value}),
        pytest.raises(ImproperlyConfigured, match=r"\['OTP_LIMITS'\] must be a dict"),
    ):
        limits.limit("guesses_per_account")


def test_a_misspelt_limit_is_not_ignored():
    """It could leave a site with a limit that is too high."""
    with given(guesses_per_acount=8), pytest.raises(ImproperlyConfigured, match="unknown limit"):
        limits.limit("guesses_per_account")
    with pytest.raises(KeyError):
        limits.limit("guesses_per_acount")


def test_a_valid_value_is_validated_once(settings, monkeypatch):
    """Later reads of an unchanged limit parse nothing; a changed one is noticed, also in place."""
    rates = {"guesses_per_account": "8/365d"}
    settings.SWAP_USER = {"OTP_LIMITS": rates}
    limit = DECLARED["guesses_per_account"]
    assert limits.limit("guesses_per_account") == 8
    with monkeypatch.context() as patch:
        patch.setattr(limit, "_parse", None)
        assert limits.limit("guesses_per_account") == 8
    rates["guesses_per_account"] = "9/365d"
    assert limits.limit("guesses_per_account") == 9
    rates["guesses_per_account"] = 31
    with pytest.raises(ImproperlyConfigured, match="must be at most 30, not 31"):
        limits.limit("guesses_per_account")


@pytest.mark.requirement("R20")
def test_the_chance_in_a_year():
    """The arithmetic of docs/topics/limits.md, limit by limit."""
    assert limits.yearly_chance() == pytest.approx(
        16 * 4 / 10**6 + (20 * 366 + 1250 * 6) * 5 / 2**31, rel=1e-12
    )
    assert 9.8e-5 < limits.yearly_chance() < 1e-4
    none = {"guesses_per_account": 0, "messages_per_account": 0, "newcomers_per_account": 0}
    for change, chance in (
        ({}, 0),
        ({"guesses_per_account": 1}, 4e-6),
        ({"messages_per_account": 1}, 366 * 5 / 2**31),
        ({"newcomers_per_account": 1}, 6 * 5 / 2**31),
    ):
        with given(**none | change):
            assert limits.yearly_chance() == pytest.approx(chance, rel=1e-12)
