"""OTP_STAFF_MUST_ENROLL: staff without an authenticator see nothing else until they have one."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from swap_user.conf import swap_user_settings
from swap_user.otp.pages.methods.names import ADD

# What stays open besides the pages of the login, which nobody guards.
OPEN_PAGES = ("logout", "jsi18n")


def is_due(request: HttpRequest, link: Callable[[str], str]) -> bool:
    """
    Say whether this visitor has to enroll before they see this page. At most one SELECT.

    Args:
        request: of somebody who is logged in and may enter.
        link: gives the address of a page of the site.
    """
    if not swap_user_settings.OTP_STAFF_MUST_ENROLL:
        return False
    if not request.user.is_authenticated:
        return False
    if any(request.path == link(name) for name in (ADD, *OPEN_PAGES)):
        return False
    # The admin site is loaded before the models.
    from swap_user.otp.authenticators.secrets import is_enrolled  # noqa: PLC0415

    return not is_enrolled(request.user)


def lead(request: HttpRequest, link: Callable[[str], str]) -> HttpResponseRedirect:
    """Lead the visitor to where they enroll, and say why."""
    text = _("Before you go on, please add an authenticator app. This site asks its staff for one.")
    messages.warning(request, text, fail_silently=True)
    response = HttpResponseRedirect(link(ADD))
    add_never_cache_headers(response)
    return response
