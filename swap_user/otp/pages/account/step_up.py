"""
Step-up: a user who is logged in shows a code once more, before something that requires it (R51).

It is a login in the same session, with the same codes, limits and factors.
"""

import time
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.views.generic.edit import FormView

from swap_user.otp import policies
from swap_user.otp.authenticators.secrets import is_enrolled
from swap_user.otp.delivery.request import send_code
from swap_user.otp.exceptions import AnotherCodeNeeded, LoginUnavailable
from swap_user.otp.pages.login.forms import CodeForm
from swap_user.otp.pages.login.views import CodeView
from swap_user.otp.sessions import reauthentication
from swap_user.otp.sessions.sessions import is_fresh
from swap_user.otp.visitors import flow
from swap_user.otp.visitors.code_request import CodeRequest
from swap_user.users import usernames


class StepUpForm(CodeForm):
    """
    Asks a user who is logged in for a code.

    Args:
        is_asked: whether a code was sent to the user.
        has_app: whether the user has an authenticator app.
        wanted: see CodeForm.
    """

    def __init__(
        self, *args: Any, is_asked: bool = False, has_app: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if kwargs.get("wanted"):
            return
        texts = {
            (False, False): _("You will be sent a one-time code."),
            (True, False): _("A code is on its way to you."),
            (False, True): _("Enter a code of your authenticator app, or let us send you one."),
            (True, True): _(
                "A code is on its way to you. A code of your authenticator app works, too."
            ),
        }
        self.fields["otp"].help_text = texts[is_asked, has_app]


class StepUpView(CodeView):
    """
    Ask a user who is logged in for a code.

    The page sends no code by itself: whoever has an app needs none. A button sends one. Users
    without an app see only this button at first.
    """

    form_class = StepUpForm

    def load_request(self) -> CodeRequest | None:
        """Return the last code request of this session, if it was for this user."""
        asked = super().load_request()
        return asked if asked and asked.username == self.username else None

    @property
    def username(self) -> str:
        """The username of the user who is logged in."""
        return usernames.stored(self.request.user) if self.request.user.is_authenticated else ""

    def permits(self, user: AbstractBaseUser | AnonymousUser) -> bool:
        """Return whether it is the user who is logged in."""
        return user.is_authenticated and user.pk == self.request.user.pk

    def must_log_in_again(self) -> bool:
        """Return whether a code is demanded, or the login is not recent."""
        return super().must_log_in_again() or not is_fresh(self.request)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the page, or redirect a user who need not show a code."""
        if not request.user.is_authenticated:
            return self.redirect_to_step(self.login_url)
        if self.is_logged_in():
            return self.redirect_to_next()
        return FormView.get(self, request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the code. If the form has none, send one."""
        if not request.user.is_authenticated:
            return self.redirect_to_step(self.login_url)
        if "otp" in request.POST:
            flow.begin(request)  # a first code of two is shown in a flow
            return FormView.post(self, request, *args, **kwargs)
        return self.send_again(self.asked) if self.asked else self.send_first()

    def send_first(self) -> HttpResponse:
        """Send a code."""
        try:
            send_code(self.request, self.username)
        except LoginUnavailable:
            return self.render_unavailable(self.form_class(**self.get_help_kwargs()))
        return self.redirect_to_step(self.check_url)

    def ask_for_second_code(self, needed: AnotherCodeNeeded) -> HttpResponse:
        """Ask for the second code here, or for the password on the login page."""
        # The login page would redirect a user from whom nothing is demanded.
        reauthentication.demand(self.request.session)
        if self.asked is None:  # the first code was one of an app
            now = time.time()
            self.asked = CodeRequest(self.username, now, now)
        return super().ask_for_second_code(needed)

    def takes_sent_code(self) -> bool:
        """Return whether a sent code is accepted."""
        if self.asked and self.asked.wanted:
            return super().takes_sent_code()
        user: Any = self.request.user
        return policies.takes_sent(user, enrolled=self.has_app)

    @cached_property
    def has_app(self) -> bool:
        """Whether the user has an authenticator app."""
        user: Any = self.request.user
        return is_enrolled(user)

    def get_help_kwargs(self) -> dict[str, Any]:
        """Return the arguments of the form that its help text depends on."""
        wanted = self.asked.wanted if self.asked else ()
        return {
            "wanted": wanted,
            "is_asked": self.asked is not None,
            "has_app": self.has_app,
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add whether a code was sent, and whether the page asks for one or only sends one."""
        context = super().get_context_data(**{"is_asked": self.asked is not None, **kwargs})
        must_send = context["takes_sent_code"] and self.asked is None and not self.has_app
        return {**context, "asks_code": "otp" in self.request.POST or not must_send}
