"""Short names of browsers, for the pages on which owners recognize them."""

# The first that is contained in the header names the browser or the system: others contain the
# names of those below them.
_BROWSERS = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser": "Samsung Internet",
    "Firefox": "Firefox",
    "FxiOS": "Firefox",
    "CriOS": "Chrome",
    "Chrome": "Chrome",
    "Safari": "Safari",
}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "CrOS": "ChromeOS",
    "Macintosh": "macOS",
    "Linux": "Linux",
}

_LONGEST = 60


def short_name(user_agent: str) -> str:
    """
    Return the names of the browser and the system, such as "Firefox, Linux".

    Args:
        user_agent: the header ``User-Agent``. A visitor can write anything in it.

    Returns:
        The names, the beginning of the header if it has none of them, or "" if it is empty.
    """
    return recognized_name(user_agent) or user_agent[:_LONGEST]


def recognized_name(user_agent: str) -> str:
    """
    Return the names of the browser and the system, or "" if none is recognized.

    Nothing else of the header is returned. Use it where a visitor's text must not appear, such as
    in a message to the owner of an account.

    Args:
        user_agent: the header ``User-Agent``.
    """
    found = [
        next((name for part, name in names.items() if part in user_agent), "")
        for names in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(filter(None, found))
