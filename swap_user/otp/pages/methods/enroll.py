"""
The page that adds an authenticator app, in two steps.

The first step asks for a name. The second step, ``?confirm``, shows a QR code and asks for a code
of the app. It shows the same QR code until it is confirmed or has expired, also after a wrong code,
a reload or an outage. The secret comes from the session, where it is encrypted.
"""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.request import split_domain_port
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from swap_user.models import Authenticator
from swap_user.otp.authenticators.recovery_codes import remaining_recovery_codes
from swap_user.otp.enforcement.pages import with_next
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.exceptions import InvalidCode, LoginUnavailable, TooManyAuthenticators
from swap_user.otp.masked import Masked
from swap_user.otp.pages.methods import pending
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.pages.methods.forms import AddForm, ConfirmForm
from swap_user.otp.pages.methods.names import ADD, OVERVIEW, RECOVERY_CODES
from swap_user.otp.site_name import host_name, site_name
from swap_user.otp.verification.enrollment import Enrollment, enroll


class AddView(ChangingView):
    """Add an authenticator app."""

    title = gettext_lazy("Add an authenticator app")
    wrong_code_message = gettext_lazy("That is not the code. Try the next one that the app shows.")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Ask for a name. With ``?confirm``, show the QR code of the pending enrollment."""
        enrollment = pending.load(request.session, self.user)
        if "confirm" not in request.GET:
            return self.ask_name(AddForm(), begun=enrollment)
        if enrollment is None:
            return self.begin_again()
        return self.ask_code(ConfirmForm(), enrollment)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Check the code if the form has one. Otherwise start an enrollment."""
        if "otp" in request.POST:
            return self.confirm(request)
        form = AddForm(request.POST)
        if not form.is_valid():
            return self.ask_name(form)
        # Authenticator apps show the issuer. A port in it would mean nothing to the user.
        host, _port = split_domain_port(host_name(request))
        try:
            enrollment = enroll(
                self.user,
                form.cleaned_data["type"],
                form.cleaned_data["name"],
                issuer=site_name(host),
            )
        except TooManyAuthenticators:
            return self.refuse_more()
        pending.save(request.session, enrollment)
        return HttpResponseRedirect(self.confirm_url)

    @property
    def confirm_url(self) -> str:
        """The URL of the second step."""
        return with_next(f"{self.url_of(ADD)}?confirm", self.get_redirect_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the URLs of both steps, which keep ``next``, and whether the app is required."""
        return super().get_context_data(
            **{
                "add_url": with_next(self.url_of(ADD), self.get_redirect_url()),
                "confirm_url": self.confirm_url,
                "must_enroll": standing(self.request).is_due,
                **kwargs,
            }
        )

    def ask_name(self, form: AddForm, **context: Any) -> HttpResponse:
        """Show the first step of the page, which asks for a name."""
        return self.render_to_response(self.get_context_data(form=form, **context))

    def ask_code(self, form: ConfirmForm, enrollment: Enrollment) -> HttpResponse:
        """Show the second step, which asks for a code."""
        # At first the user looks at the QR code, which is above the field.
        form.fields["otp"].widget.attrs["autofocus"] = form.is_bound
        return self.render_to_response(self.get_context_data(form=form, **_picture(enrollment)))

    def begin_again(self) -> HttpResponse:
        """Show the first step, because there is no pending enrollment any more."""
        pending.clear(self.request.session)
        text = _("That took too long. Please begin again, with a new picture.")
        messages.warning(self.request, text, fail_silently=True)
        return self.ask_name(AddForm())

    def refuse_more(self) -> HttpResponse:
        """Redirect a user who has the maximum number of authenticators."""
        text = _("You have as many as one account may have. Remove one before you add another.")
        messages.warning(self.request, text, fail_silently=True)
        return self.redirect_to_page(OVERVIEW)

    @sensitive_variables("form")
    def confirm(self, request: HttpRequest) -> HttpResponse:
        """Add the authenticator, if the code is right."""
        enrollment = pending.load(request.session, self.user)
        if enrollment is None:
            return self.begin_again()
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
            return self.render_unavailable(form=form, **_picture(enrollment))
        except TooManyAuthenticators:
            pending.clear(request.session)
            return self.refuse_more()
        return self.end(authenticator)

    def end(self, authenticator: Authenticator) -> HttpResponse:
        """Redirect to the next page, after the authenticator was added."""
        pending.clear(self.request.session)
        self.end_other_sessions()
        self.add_message(
            _("“%(name)s” was added. You can log in with it.") % {"name": authenticator}
        )
        if self.authenticators().count() == 1 and not remaining_recovery_codes(self.user):
            url = with_next(self.url_of(RECOVERY_CODES), self.get_redirect_url())
            return HttpResponseRedirect(url)
        return HttpResponseRedirect(self.get_redirect_url() or self.url_of(OVERVIEW))


@sensitive_variables()
def _picture(enrollment: Enrollment) -> dict[str, Any]:
    secret = enrollment.secret
    return {
        "enrollment": enrollment,
        "secret": Masked(" ".join(secret[i : i + 4] for i in range(0, len(secret), 4))),
        "uri": enrollment.provisioning_uri,
        "qr": enrollment.qr_svg(),
    }
