"""
The page to which the notice of a changed address leads. It gives the account its former address.

Opening it changes nothing, because mail scanners open links too. It logs no user in.
"""

from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.utils.cache import add_never_cache_headers
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from swap_user.models import AddressChange
from swap_user.otp.accounts import way_back
from swap_user.otp.delivery import undo_link
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.pages.login.base import StepView
from swap_user.otp.pages.login.forms import CodeForm
from swap_user.otp.pages.login.text import limit_in_words
from swap_user.otp.pages.login.unavailable import RETRY_AFTER
from swap_user.otp.throttling.guesses import ReachedLimit


class _FactorForm(CodeForm):
    """Asks for a code that shows another factor than the address."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["otp"].help_text = _(
            "Enter a code of your authenticator app, or a recovery code."
        )


class UndoChangeView(StepView):
    """Ask for a confirmation, perhaps with a code, and undo a change of address."""

    form_class = _FactorForm
    invalid_code_message: Any = None

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for a confirmation."""
        change = self.change()
        if change is None:
            return self.show("invalid", None)
        return self.show("ask" if self.can_ask(change) else "no_factor", change)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Undo the change."""
        change = self.change()
        if change is None:
            return self.show("invalid", None)
        if not self.can_ask(change):
            return self.show("no_factor", change)
        if way_back.asks_factor(change):
            form = self.form_class(request.POST)
            if (response := self.check_factor(change, form)) is not None:
                return response
        is_own = request.user.is_authenticated and request.user.pk == change.user_id
        is_undone = way_back.undo(change)
        if is_undone and is_own:
            # The session of this request would otherwise be missing when it is saved.
            logout(request)
        return self.show("done" if is_undone else "impossible", change)

    def can_ask(self, change: AddressChange) -> bool:
        """Return whether the owner can confirm: the link is enough, or a factor is left."""
        return not way_back.asks_factor(change) or way_back.has_factor(change)

    @sensitive_variables("otp")
    def check_factor(self, change: AddressChange, form: CodeForm) -> HttpResponse | None:
        """Return the page again if the code is not right, or None."""
        if not form.is_valid():
            return self.show("ask", change, form)
        otp = form.cleaned_data["otp"]
        try:
            result = way_back.confirm_factor(self.request, change, otp)
        except LoginUnavailable:
            form.keep_code()
            return self.show("ask", change, form, status=503)
        if result is True:
            return None
        text = _("That code did not work. Check it, or use a recovery code.")
        form.add_error("otp", limit_in_words(result) if isinstance(result, ReachedLimit) else text)
        return self.show("ask", change, form)

    def change(self) -> AddressChange | None:
        """Return the change that the token in the URL names, or None."""
        return way_back.find(self.request.GET.get(undo_link.PARAMETER, ""))

    def show(
        self,
        state: str,
        change: AddressChange | None,
        form: CodeForm | None = None,
        status: int = 200,
    ) -> HttpResponse:
        """Show the page."""
        titles = {
            "ask": _("Undo the change of your address?"),
            "done": _("Your account has its former address again"),
            "impossible": _("The change can’t be undone any more"),
            "no_factor": _("The change can’t be undone any more"),
            "invalid": _("This link does not work"),
        }
        context = self.get_context_data(form=form or self.form_class())
        context |= {
            "state": state,
            "title": titles[state],
            "needs_code": change is not None and way_back.asks_factor(change),
            "unavailable": status == 503,
        }
        status = 404 if state == "invalid" else status
        response = self.render_to_response(context, status=status)
        if status == 503:
            response["Retry-After"] = str(RETRY_AFTER)
        add_never_cache_headers(response)
        # The URL has the token. Other sites must not get it.
        response["Referrer-Policy"] = "same-origin"
        return response
