"""
"This wasn't me": the page to which notices lead, and which ends all sessions of an account.

A signed token names the account (R26). Opening the page changes nothing, because mail scanners open
links too. The page logs no user in, and shows nothing about the account.
"""

import logging
from contextlib import suppress
from typing import Any

from django.contrib.auth import get_user_model, logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.generic import TemplateView

from swap_user.otp import audit
from swap_user.otp.delivery import not_me
from swap_user.otp.pages.account import names
from swap_user.otp.pages.account.look import base_context, url_of
from swap_user.otp.pages.login.unavailable import answer_outages
from swap_user.otp.pages.methods.names import OVERVIEW
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.users.databases import written


class NotMeView(TemplateView):
    """
    Ask for a confirmation, and end the sessions.

    The answer is the same whether or not the account still exists or is active. A second
    confirmation ends what has begun since the first, so the link can be used again while it works.

    Attributes:
        login_url: the URL of the login page.
        methods_url: the URL of the page of the sign-in methods, which comes after the login.
    """

    login_url = ""
    methods_url = ""

    http_method_names = ["get", "head", "post", "options"]
    template_name = "swap_user/account/not_me.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for a confirmation."""
        return self._answer("ask" if self._user_pk() is not None else "invalid")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the sessions of the account, and make its browsers unknown."""
        pk = self._user_pk()
        if pk is None:
            return self._answer("invalid")
        user = _find(pk)
        if user is not None:
            _end_all(request, user)
        return self._answer("done")

    def _user_pk(self) -> str | None:
        return not_me.read(self.request.GET.get(not_me.PARAMETER, ""))

    def _answer(self, state: str) -> HttpResponse:
        titles = {
            "ask": _("Was this not you?"),
            "done": _("All sessions have ended"),
            "invalid": _("This link does not work"),
        }
        context = self.get_context_data(
            state=state,
            title=titles[state],
            login_url=f"{self.login_url}?{urlencode({'next': self.methods_url})}",
        )
        response = self.render_to_response(context, status=404 if state == "invalid" else 200)
        add_never_cache_headers(response)
        # The URL has the token. Other sites must not get it, but the check of forged requests needs
        # the origin.
        response["Referrer-Policy"] = "same-origin"
        return response


def _find(pk: str) -> Any:
    """Return the user with this primary key, also an inactive one, or None."""
    with suppress(ValueError, ValidationError):
        return written(get_user_model()).filter(pk=pk).first()
    return None


def _end_all(request: HttpRequest, user: Any) -> None:
    if getattr(request, "user", None) == user:
        # The session of this request would otherwise be missing when it is saved.
        logout(request)
    end_sessions(user)
    audit.record(logging.WARNING, "sessions ended by link", user=user.pk)


@login_not_required
@answer_outages
def not_me_page(request: HttpRequest) -> HttpResponse:
    """Let the owner of an account end all its sessions."""
    response: HttpResponse = NotMeView.as_view(
        login_url=url_of(request, names.LOGIN),
        methods_url=url_of(request, OVERVIEW),
        extra_context=base_context(request),
    )(request)
    return response
