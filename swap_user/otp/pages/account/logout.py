"""The page after a logout."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from swap_user.otp.pages.account import names
from swap_user.otp.pages.account.look import base_context, url_of
from swap_user.otp.pages.login.unavailable import answer_outages


class _LoggedOutView(LogoutView):
    """Log the user out, and redirect to LOGOUT_REDIRECT_URL or say that it is done."""

    http_method_names = ["post", "options"]
    template_name = "swap_user/account/logged_out.html"

    def get_default_redirect_url(self) -> str:
        """Return LOGOUT_REDIRECT_URL, or the URL of this page, which then says that it is done."""
        # Django compares it with the whole path of the request. By default it lacks the query.
        if self.next_page or settings.LOGOUT_REDIRECT_URL:
            return super().get_default_redirect_url()
        return self.request.get_full_path()

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the URL of the login page, and replace the title and the name of the site."""
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {
            **context,
            "title": _("You are logged out"),
            "login_url": url_of(self.request, names.LOGIN),
            **base_context(self.request),
        }


@login_not_required
@answer_outages
def logout_page(request: HttpRequest) -> HttpResponse:
    """Log the user out. A second press of the button finds nothing to do, and says the same."""
    response: HttpResponse = _LoggedOutView.as_view()(request)
    return response
