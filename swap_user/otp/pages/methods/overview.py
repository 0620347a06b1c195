"""The page with the list of the user's sign-in methods."""

import logging
from typing import Any

from django.utils.translation import gettext_lazy as _

from swap_user.models import Authenticator
from swap_user.otp import audit, policies
from swap_user.otp.accounts.address_field import address_field
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.pages.methods.base import MethodsView
from swap_user.otp.pages.methods.names import CHANGE, FORGET_BROWSER, REMOVE, RENAME
from swap_user.otp.senders import load_sender
from swap_user.otp.throttling import wrong_guesses
from swap_user.otp.visitors import known_browsers
from swap_user.otp.visitors.user_agents import short_name
from swap_user.users.databases import written

# The page suggests a new set of recovery codes if this many or fewer are left.
FEW = 3


class OverviewView(MethodsView):
    """Show the user's sign-in methods, and what concerns them. It changes nothing."""

    http_method_names = ["get", "head", "options"]
    title = _("Your sign-in methods")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the authenticators, the receiver of codes, and the number of recovery codes left."""
        enrolled = [
            {
                "authenticator": authenticator,
                "rename_url": self.url_of(RENAME, authenticator.pk),
                "remove_url": self.url_of(REMOVE, authenticator.pk),
            }
            for authenticator in self.authenticators()
        ]
        left = recovery_codes.remaining_recovery_codes(self.user)
        return super().get_context_data(
            **{
                "is_overview": True,
                "enrolled": enrolled,
                "receiver": self.receiver(),
                "change_url": self.url_of(CHANGE) if address_field(self.user) else "",
                "sent": written(Authenticator)
                .filter(pk=Authenticator.sent_id(self.user.pk))
                .first(),
                "sent_lets_in": policies.takes_sent(self.user, enrolled=bool(enrolled)),
                "asks_password": policies.load_policy().asks_password(),
                "recovery_codes_left": left,
                "recovery_codes_few": 0 < left <= FEW,
                "browsers": self.browsers(),
                "must_enroll_from": standing(self.request).date,
                "wrong_guesses": wrong_guesses.of_user(self.user).count(),
                **kwargs,
            }
        )

    def browsers(self) -> list[dict[str, Any]]:
        """Return the known browsers of the user, each with the URL that forgets it."""
        this = known_browsers.read(self.request)
        return [
            {
                "name": short_name(row.user_agent) or _("A browser"),
                "row": row,
                "is_this": this is not None and row.browser == this.hash,
                "forget_url": self.url_of(FORGET_BROWSER, row.pk),
            }
            for row in known_browsers.of_user(self.user)
        ]

    def receiver(self) -> str:
        """Return the receiver of sent codes, or "" if the sender raises an exception."""
        try:
            return load_sender().get_receiver(self.user)
        except Exception as error:  # noqa: BLE001 - the sender is the project's
            reason = audit.describe(error)
            audit.record(logging.ERROR, "no receiver", user=self.user.pk, error=reason)
            return ""
