"""
The page that adds an authenticator app. It asks for a name, then shows a QR code and asks for a
code of the app.

The secret is shown once, in the response to the request that generates it.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.authenticators.recovery_codes import remaining_recovery_codes
from swap_user.otp.exceptions import InvalidCode, LoginUnavailable
from swap_user.otp.pages.methods import pending
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.pages.methods.forms import AddForm, ConfirmForm
from swap_user.otp.pages.methods.names import OVERVIEW, RECOVERY_CODES
from swap_user.otp.site_name import host_name, site_name
from swap_user.otp.verification.enrollment import Enrollment, enroll, is_full


class AddView(ChangingView):
    """Add an authenticator app."""

    title = gettext_lazy("Add an authenticator app")
    wrong_code_message = gettext_lazy("That is not the code. Try the next one that the app shows.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for a name. With ``?confirm``, ask for the code of the pending enrollment."""
        enrollment = pending.load(request.session, self.user)
        if enrollment and "confirm" in request.GET:
            return self.ask_code(ConfirmForm(), enrollment)
        return self.ask_name(AddForm(), begun=enrollment)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the code if the form has one. Otherwise start an enrollment and show a QR code."""
        if "otp" in request.POST:
            return self.confirm(request)
        form = AddForm(request.POST)
        if not form.is_valid():
            return self.ask_name(form)
        if is_full(self.user):
            text = _("You have as many as one account may have. Remove one before you add another.")
            messages.warning(request, text, fail_silently=True)
            return self.redirect_to_page(OVERVIEW)
        # Authenticator apps show the issuer. A port in it would mean nothing to the user.
        host, _port = split_domain_port(host_name(request))
        enrollment = enroll(
            self.user,
            form.cleaned_data["type"],
            form.cleaned_data["name"],
            issuer=site_name(host),
        )
        pending.save(request.session, enrollment)
        return self.ask_code(ConfirmForm(), enrollment, **_secrets(enrollment))

    def ask_name(self, form: AddForm, **context: Any) -> HttpResponse:
        """Show the first step of the page, which asks for a name."""
        return self.render_to_response(self.get_context_data(form=form, **context))

    @sensitive_variables("context")
    def ask_code(self, form: ConfirmForm, enrollment: Enrollment, **context: Any) -> HttpResponse:
        """Show the second step, which asks for a code. ``context`` may contain the secret."""
        return self.render_to_response(
            self.get_context_data(form=form, enrollment=enrollment, **context)
        )

    @sensitive_variables("form")
    def confirm(self, request: HttpRequest) -> HttpResponse:
        """Add the authenticator, if the code is right."""
        enrollment = pending.load(request.session, self.user)
        if enrollment is None:
            pending.clear(request.session)
            text = _("That took too long. Please begin again, with a new picture.")
            messages.warning(request, text, fail_silently=True)
            return self.ask_name(AddForm())
        form = ConfirmForm(request.POST)
        if not form.is_valid():
            return self.ask_code(form, enrollment)
        try:
            authenticator = enrollment.confirm(form.cleaned_data["otp"], request)
        except InvalidCode:
            form.add_error("otp", str(self.wrong_code_message))
            return self.ask_code(form, enrollment)
        except LoginUnavailable:
            form.keep_code()
            return self.render_unavailable(form=form, enrollment=enrollment)
        pending.clear(request.session)
        self.end_other_sessions()
        self.add_message(
            _("“%(name)s” was added. You can log in with it.") % {"name": authenticator}
        )
        if self.authenticators().count() == 1 and not remaining_recovery_codes(self.user):
            return self.redirect_to_page(RECOVERY_CODES)
        return self.redirect_to_page(OVERVIEW)


@sensitive_variables()
def _secrets(enrollment: Enrollment) -> dict[str, Any]:
    secret = enrollment.secret
    return {
        "secret": " ".join(secret[i : i + 4] for i in range(0, len(secret), 4)),
        "uri": enrollment.provisioning_uri,
        "qr": enrollment.qr_svg(),
    }
