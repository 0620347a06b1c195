"""What the site is called, where a message or an app names it."""

from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import DisallowedHost, ImproperlyConfigured, ObjectDoesNotExist
from django.http import HttpRequest

from swap_user.conf import swap_user_settings


def site_name(host: str) -> str:
    """
    Return what the site is called in a message: the setting, the current Site, or the host.

    Args:
        host: the host name that the visitor sees, or "".
    """
    if issuer := swap_user_settings.OTP_ISSUER:
        return issuer
    request = HttpRequest()
    request.META["HTTP_HOST"] = host
    try:
        return get_current_site(request).name
    except (DisallowedHost, ObjectDoesNotExist, ImproperlyConfigured):
        return host


def host_name(request: HttpRequest | None) -> str:
    """Return the host name that the visitor sees, or "" where there is no visitor."""
    try:
        return request.get_host() if request is not None else ""
    except DisallowedHost:
        return ""
