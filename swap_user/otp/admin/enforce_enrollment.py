"""OTP_STAFF_MUST_ENROLL: staff must add an authenticator before they can use other pages."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _

from swap_user.conf import swap_user_settings
from swap_user.otp.authenticators.secrets import is_enrolled
from swap_user.otp.pages.methods.names import ADD

# URL names of the pages that need no authenticator. The login pages are not listed, because they do
# not call must_enroll().
EXEMPT_PAGES = (ADD, "logout", "jsi18n")


def must_enroll(request: HttpRequest, url_of: Callable[[str], str]) -> bool:
    """
    Return whether the user has to enroll before they can see the requested page.

    The function makes at most one query.

    Args:
        request: a request for a page of the site.
        url_of: returns the URL of a page of the site by its name.
    """
    if not swap_user_settings.OTP_STAFF_MUST_ENROLL:
        return False
    if not request.user.is_authenticated:
        return False
    if any(request.path == url_of(name) for name in EXEMPT_PAGES):
        return False
    return not is_enrolled(request.user)


def redirect_to_enrollment(
    request: HttpRequest, url_of: Callable[[str], str]
) -> HttpResponseRedirect:
    """Redirect to the page that adds an authenticator, with a message that says why."""
    text = _("Before you go on, please add an authenticator app. This site asks its staff for one.")
    messages.warning(request, text, fail_silently=True)
    response = HttpResponseRedirect(url_of(ADD))
    add_never_cache_headers(response)
    return response
