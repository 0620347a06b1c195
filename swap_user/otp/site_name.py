"""The name of the site in messages and in authenticator apps."""

from django.contrib.sites.shortcuts import get_current_site
from django.core.exceptions import DisallowedHost, ImproperlyConfigured, ObjectDoesNotExist
from django.http import HttpRequest

from swap_user.conf import swap_user_settings


def site_name(host: str) -> str:
    """
    Return the name of the site: OTP_ISSUER, the name of the current Site, or the host name.

    Args:
        host: the host name of the visitor's request, or "".
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
    """Return the host name of a request, or "" if it is not allowed or there is no request."""
    try:
        return request.get_host() if request is not None else ""
    except DisallowedHost:
        return ""
