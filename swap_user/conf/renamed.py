"""The keys of version 0.9.8 and of the alpha, and their successors."""

from swap_user.conf.keys import SwapUserSettings
from swap_user.conf.limits import TRIES_PER_CODE

# Maps each key of 0.9.8 to its successor, or to "" if it has none.
FORMER = {
    "OTP_LENGTH": "OTP_DIGITS",
    "OTP_ALPHABET": "",
    "OTP_PATTERN": "",
    "GET_OTP_SERVICE_CLASS": "",
    "CHECK_OTP_SERVICE_CLASS": "",
    "VALIDATION_SERVICE_CLASS": "",
    "INVALID_LOGIN_COUNTER_PATTERN": "",
    "SENT_OTP_COUNTER_PATTERN": "",
    "USER_BANNED_FOR_INVALID_LOGIN": "",
    "USER_BANNED_FOR_OTP_RATE_LIMIT_PATTERN": "",
    "BAN_FOR_INVALID_LOGIN_TIMEOUT": "",
    "BAN_FOR_OTP_RATE_LIMIT_TIMEOUT": "",
    "MAX_ATTEMPTS_OF_INVALID_LOGIN": "",
    "MAX_NUMBER_OF_OTP_SENT": "",
}

# Maps each key of the alpha that was a limit to the name of this limit in OTP_LIMITS.
LIMITS = {
    "OTP_GUESSES_PER_ACCOUNT": "guesses_per_account",
    "OTP_GUESSES_PER_BROWSER": "known_guesses_per_account",
    "OTP_GUESSES_PER_ADDRESS": "guesses_per_address",
    "OTP_SENDS_PER_ACCOUNT": "messages_per_account",
    "OTP_SENDS_PER_BROWSER": "known_messages_per_account",
    "OTP_SENDS_TO_NEWCOMERS": "newcomers_per_neighbourhood",
    "OTP_SENDS_TO_ALL_NEWCOMERS": "newcomers_per_account",
    "OTP_SENDS_PER_ADDRESS": "asks_per_address",
    "OTP_SENDS_PER_RECEIVER": "messages_per_receiver",
    "OTP_SENDS_PER_SITE": "messages_per_site",
}


def hint_for_former(name: str, value: object) -> str | None:
    """
    Return what to write instead of a key of an earlier version, or None for any other key.

    Args:
        name: a key of ``SWAP_USER``.
        value: its value. The hint repeats it if it is allowed for the successor.
    """
    if name in LIMITS:
        return _hint_for_limit(name, value)
    if name == "OTP_GUESSES_PER_CODE":
        return f"It is always {TRIES_PER_CODE} now: delete it."
    if name not in FORMER:
        return None
    if successor := FORMER[name]:
        return f"It is now called {successor}."
    return "It was removed after version 0.9.8 and has no successor: delete it."


def _hint_for_limit(name: str, value: object) -> str:
    limit = SwapUserSettings.OTP_LIMITS.limits[LIMITS[name]]
    written = limit.default
    # The alpha had no limit for the site if the number was 0.
    without = name == "OTP_SENDS_PER_SITE" and value == 0
    if isinstance(value, int) and not without and limit.problem(value) is None:
        written = f"{value}/{limit.period}"
    known = limit.name.startswith("known_")
    shared = ", which all known browsers of an account share" if known else ""
    text = f'"{written}"' if written else "None"
    return (
        f'It is now OTP_LIMITS["{limit.name}"]{shared}. '
        f'Write "OTP_LIMITS": {{"{limit.name}": {text}}}.'
    )
