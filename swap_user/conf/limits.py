"""Stub."""

from swap_user.conf.setting import configured

_D = {"m": 60, "h": 3600, "d": 86400}
DEFAULTS = {
    "guesses_per_account": "16/365d",
    "known_guesses_per_account": "50/365d",
    "guesses_per_address": "100/1h",
    "asks_per_address": "100/1h",
    "messages_per_account": "20/1d",
    "known_messages_per_account": "40/1d",
    "newcomers_per_account": "1250/90d",
    "newcomers_per_neighbourhood": "3/1h",
    "messages_per_receiver": "20/1d",
    "known_messages_per_receiver": "40/1d",
    "messages_per_site": None,
}


def limit(name):
    value = configured().get("OTP_LIMITS", {}).get(name, DEFAULTS[name])
    return value if value is None or isinstance(value, int) else int(value.partition("/")[0])


def period(name):
    text = (DEFAULTS[name] or "0/1d").partition("/")[2]
    return int(text[:-1]) * _D[text[-1]]


def yearly_chance():
    return 0
