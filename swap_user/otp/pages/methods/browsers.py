"""Let a user forget one of their known browsers."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from swap_user.otp.pages.methods.base import MethodsView
from swap_user.otp.pages.methods.names import OVERVIEW
from swap_user.otp.visitors import known_browsers


class ForgetBrowserView(MethodsView):
    """
    Forget a known browser, which then has the limits of unknown ones. No session ends.

    It needs no recent login, because it gives nothing to whoever does it.
    """

    http_method_names = ["get", "head", "post", "options"]

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Redirect to the overview, where the button is."""
        return self.redirect_to_page(OVERVIEW)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Forget the browser, if it is one of this user."""
        deleted, _models = known_browsers.of_user(self.user).filter(pk=self.kwargs["pk"]).delete()
        if deleted:
            self.add_message(_("The browser was forgotten. It counts as new at its next login."))
        return self.redirect_to_page(OVERVIEW)
