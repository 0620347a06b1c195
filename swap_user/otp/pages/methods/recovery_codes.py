"""The page of recovery codes. They are shown once, in the response that generates them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.site_name import host_name, site_name


class RecoveryCodesView(ChangingView):
    """Generate a new set of recovery codes."""

    title = gettext_lazy("Recovery codes")

    @sensitive_variables("codes", "context")
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Generate a set and show it."""
        codes = recovery_codes.generate_recovery_codes(self.user)
        self.end_other_sessions()
        context = self.get_context_data(
            codes=codes, made_at=timezone.now(), site_name=site_name(host_name(request))
        )
        return self.render_to_response(context)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the number of codes left, and the number in a new set."""
        return super().get_context_data(
            **{
                "recovery_codes_left": recovery_codes.remaining_recovery_codes(self.user),
                "number": recovery_codes.NUMBER,
                **kwargs,
            }
        )
