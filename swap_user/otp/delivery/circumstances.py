"""In which browser and network an event happened, as a queue stores it for the notice."""

from typing import Any

from django.http import HttpRequest

from swap_user.otp.delivery import not_me
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.personal_data import browser_and_network
from swap_user.otp.visitors.user_agents import recognized_name


def circumstances(request: HttpRequest | None, user: Any, *, is_login: bool) -> dict[str, str]:
    """
    Return what the notice says about the request, without empty values.

    Args:
        request: the request that caused the event, or None.
        user: the owner of the account.
        is_login: whether the request logs the user in. Otherwise the request of another user, such
            as a member of the staff, is not described.

    Returns:
        ``browser``, the name of the browser if it is recognized; ``network``, the network that is
        also stored with a session; ``acting``, the hash of the browser; ``url``, the page for
        "This wasn't me". With OTP_SESSION_RETENTION = 0, there is no browser and no network.
    """
    if request is None:
        return {}
    found = {"url": not_me.page_url(request) or not_me.page_url(request, app="admin")}
    if is_login or getattr(getattr(request, "user", None), "pk", None) == user.pk:
        seen, known = browser_and_network(request), known_browsers.read(request)
        found |= {
            "browser": recognized_name(seen["user_agent"]),
            "network": seen["network"],
            "acting": known.hash if known else "",
        }
    return {name: value for name, value in found.items() if value}
