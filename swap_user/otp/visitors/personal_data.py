"""What is stored of a visitor: so that owners recognize it, and for notices to the owner."""

from django.http import HttpRequest
from django.utils import timezone, translation

from swap_user.conf import swap_user_settings
from swap_user.otp.visitors import client_ip


def browser_and_network(request: HttpRequest) -> dict[str, str]:
    """
    Return the browser and the network of a request, as they are stored with the row of a model.

    Args:
        request: the visitor's request.

    Returns:
        The fields ``user_agent`` and ``network``. Both are empty if OTP_SESSION_RETENTION is 0.
    """
    if not swap_user_settings.OTP_SESSION_RETENTION:
        return {"user_agent": "", "network": ""}
    # PostgreSQL can't store NUL.
    browser = str(request.META.get("HTTP_USER_AGENT", "")).replace("\x00", "")
    browser = browser.encode(errors="replace").decode()[:200]
    return {"user_agent": browser, "network": client_ip.shortened(request)}


def language_and_time_zone() -> dict[str, str]:
    """
    Return the language and the time zone that are active, as they are stored with a known browser.

    Returns:
        The fields ``language`` and ``time_zone``. The time zone is empty if it is TIME_ZONE, so
        that a later change of the setting counts for all who have chosen none.
    """
    zone = timezone.get_current_timezone_name()
    return {
        "language": (translation.get_language() or "")[:35],
        "time_zone": "" if zone == timezone.get_default_timezone_name() else zone[:64],
    }
