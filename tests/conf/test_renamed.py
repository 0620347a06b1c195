"""Keys of earlier versions: what their hints say is what is accepted now."""

import ast
import re

import pytest
from django.test import override_settings

from swap_user.conf import SwapUserSettings, declared, limits
from swap_user.conf.renamed import FORMER, LIMITS, hint_for_former

# The keys that OTP_LIMITS and a constant replace, each with its default in the alpha.
ALPHA = {
    "OTP_GUESSES_PER_ACCOUNT": 16,
    "OTP_GUESSES_PER_BROWSER": 50,
    "OTP_GUESSES_PER_ADDRESS": 100,
    "OTP_GUESSES_PER_CODE": 5,
    "OTP_SENDS_PER_ACCOUNT": 20,
    "OTP_SENDS_TO_NEWCOMERS": 3,
    "OTP_SENDS_TO_ALL_NEWCOMERS": 1500,
    "OTP_SENDS_PER_BROWSER": 20,
    "OTP_SENDS_PER_ADDRESS": 100,
    "OTP_SENDS_PER_RECEIVER": 2000,
    "OTP_SENDS_PER_SITE": 0,
}


def written(hint):
    """Return the limits that a hint writes."""
    return ast.literal_eval(re.search(r'Write "OTP_LIMITS": (\{.*\})\.$', hint)[1])


def test_no_key_is_both_former_and_present():
    """A successor exists, and every limit but a new one has a predecessor."""
    names = {setting.name for setting in declared()}
    assert names & {*FORMER, *ALPHA} == set()
    assert {successor for successor in FORMER.values() if successor} <= names
    assert set(LIMITS) == set(ALPHA) - {"OTP_GUESSES_PER_CODE"}
    # messages_per_receiver had no part for known browsers. There were no unknown addresses.
    assert {*SwapUserSettings.OTP_LIMITS.limits} - {*LIMITS.values()} == {
        "known_messages_per_receiver",
        "unknown_messages_per_receiver",
        "unknown_messages_per_site",
    }


@pytest.mark.parametrize("name", LIMITS)
def test_the_hint_can_be_copied(name):
    """It names the successor, repeats the number of the project, and what it writes is accepted."""
    successor = LIMITS[name]
    hint = hint_for_former(name, 7)
    assert f'It is now OTP_LIMITS["{successor}"]' in hint
    with override_settings(SWAP_USER={"OTP_LIMITS": written(hint)}):
        assert limits.limit(successor) == 7
    assert ("known browsers" in hint) == ("BROWSER" in name)


@pytest.mark.parametrize("value", [-1, 10**10, "7", True, None, [7]])
def test_the_hint_does_not_repeat_a_mistake(value):
    """It writes the default then."""
    hint = hint_for_former("OTP_GUESSES_PER_ACCOUNT", value)
    assert written(hint) == {"guesses_per_account": "16/365d"}


def test_no_limit_for_the_site():
    """It was written as 0, which now allows no message."""
    assert written(hint_for_former("OTP_SENDS_PER_SITE", 0)) == {"messages_per_site": None}
    assert written(hint_for_former("OTP_SENDS_PER_SITE", 9)) == {"messages_per_site": "9/1d"}
    assert written(hint_for_former("OTP_SENDS_TO_ALL_NEWCOMERS", 0)) == {
        "newcomers_per_account": "0/90d"
    }


def test_what_has_no_successor():
    """A constant, and keys of 0.9.8; other keys have no hint here."""
    assert hint_for_former("OTP_GUESSES_PER_CODE", 3) == "It is always 5 now: delete it."
    assert "has no successor" in hint_for_former("OTP_ALPHABET", "abc")
    assert hint_for_former("OTP_LENGTH", 5) == "It is now called OTP_DIGITS."
    assert hint_for_former("OTP_LENGTHS", 5) is None
