"""The page of the recovery codes. They are shown once: in the answer that made them."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_variables

from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.site_name import host_name, site_name


class RecoveryCodesView(ChangingView):
    """Make a new set of recovery codes."""

    title = gettext_lazy("Recovery codes")

    @sensitive_variables("codes", "context")
    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Make them and show them."""
        codes = recovery_codes.generate_recovery_codes(self.user)
        self.end_other_sessions()
        context = self.get_context_data(
            codes=codes, made_at=timezone.now(), site_name=site_name(host_name(request))
        )
        return self.render_to_response(context)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add how many are left, and how many there will be."""
        return super().get_context_data(
            **{
                "recovery_codes_left": recovery_codes.remaining_recovery_codes(self.user),
                "number": recovery_codes.NUMBER,
                **kwargs,
            }
        )
