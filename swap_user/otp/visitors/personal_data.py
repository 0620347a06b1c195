"""What is stored of a visitor, so that owners recognize their sessions and browsers."""

from django.http import HttpRequest

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
