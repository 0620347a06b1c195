"""Users of an admin site who must enroll an authenticator app before they use other pages."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponseRedirect
from django.utils.translation import gettext as _

from swap_user.conf import swap_user_settings
from swap_user.otp.authenticators.secrets import is_enrolled
from swap_user.otp.enforcement import pages
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.pages.methods.names import ADD

# URL names of the pages that need no authenticator. The login pages are not listed, because they do
# not call must_enroll().
EXEMPT_PAGES = (ADD, "logout", "jsi18n")


def must_enroll(request: HttpRequest, url_of: Callable[[str], str]) -> bool:
    """
    Return whether the user has to enroll before they can see the requested page.

    The policy decides. OTP_STAFF_MUST_ENROLL also requires an app of users of whom the policy
    requires none, such as users of an admin site that is not only for staff; a message says so. In
    a grace period, the user is reminded.

    Args:
        request: a request for a page of the site.
        url_of: returns the URL of a page of the site by its name.
    """
    if not request.user.is_authenticated:
        return False
    if any(request.path == url_of(name) for name in EXEMPT_PAGES):
        return False
    now = standing(request)
    if swap_user_settings.OTP_STAFF_MUST_ENROLL and now.due_at is None:
        if is_enrolled(request.user):
            return False
        text = _("Before you go on, please add an authenticator app. Your account needs one.")
        messages.warning(request, text, fail_silently=True)
        return True
    pages.remind(request, now, url_of(ADD))
    return now.is_due


def redirect_to_enrollment(
    request: HttpRequest, url_of: Callable[[str], str]
) -> HttpResponseRedirect:
    """Redirect to the page that adds an authenticator, and from there back."""
    return pages.redirect_to_enrollment(request, url_of(ADD))
