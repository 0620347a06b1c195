"""
The page of recovery codes.

A POST makes a set and redirects to the page, which shows the set for ten minutes. The form names
the set that it replaces, so that a reload or a second press of its button makes no second set.
"""

import math
import time
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.translation import pgettext_lazy

from swap_user.models import RecoveryCode
from swap_user.otp.authenticators import recovery_codes
from swap_user.otp.enforcement.pages import with_next
from swap_user.otp.pages.login.saved_session import save_session
from swap_user.otp.pages.login.text import in_words
from swap_user.otp.pages.methods import shown_codes
from swap_user.otp.pages.methods.base import ChangingView
from swap_user.otp.pages.methods.names import OVERVIEW, RECOVERY_CODES
from swap_user.otp.pages.methods.shown_codes import ShownCodes
from swap_user.otp.site_name import host_name, site_name
from swap_user.users.databases import written


class RecoveryCodesView(ChangingView):
    """Generate a new set of recovery codes, and show it."""

    title = pgettext_lazy("swap_user", "Recovery codes")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Show the set that was just made. Without one, or with ``?new``, offer a new set."""
        shown = self.shown()
        if shown is None or "new" in request.GET:
            return self.render_to_response(self.get_context_data())
        return self.render_to_response(self.get_context_data(**self.describe(shown)))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Generate a set, unless the form was sent before. Then redirect to the page."""
        user_model = get_user_model()
        alias = router.db_for_write(user_model)
        with transaction.atomic(using=alias):
            # Two requests with the same form wait for each other here.
            users = user_model._base_manager.using(alias).select_for_update()
            users.filter(pk=self.user.pk).values_list("pk").first()
            if self.is_new_set_wanted():
                self.make_set()
        return HttpResponseRedirect(self.with_next(RECOVERY_CODES))

    def with_next(self, name: str) -> str:
        """Return the URL of a page by its name, with ``next`` if the request has it."""
        return with_next(self.url_of(name), self.get_redirect_url())

    def is_new_set_wanted(self) -> bool:
        """Return whether the form was sent for the first time."""
        replaces = self.request.POST.get("replaces")
        # A form of an earlier version, or of a project's template, may lack the field.
        return self.shown() is None if replaces is None else replaces == str(self.set_id())

    def make_set(self) -> None:
        """Generate a set, and save it in the session before the transaction is committed."""
        codes = recovery_codes.generate_recovery_codes(self.user, self.request)
        self.end_other_sessions()
        shown_codes.save(self.request, ShownCodes(codes, self.set_id(), time.time()))
        save_session(self.request)

    def shown(self) -> ShownCodes | None:
        """Return the set that this session can show, or None."""
        shown = shown_codes.load(self.request, now=time.time())
        # Codes that were replaced or revoked elsewhere no longer log in.
        return shown if shown and shown.set_id == self.set_id() else None

    def set_id(self) -> int:
        """Return the id of the user's set of recovery codes, or 0 if there is none."""
        rows = written(RecoveryCode).filter(user_id=self.user.pk)
        return rows.aggregate(last=Max("pk"))["last"] or 0

    def describe(self, shown: ShownCodes) -> dict[str, Any]:
        """Return the variables of the template that show a set."""
        return {
            "codes": shown.codes,
            "made_at": _datetime(shown.made_at),
            # In words, because the time zone of the site may not be that of the visitor.
            "shown_for": in_words(
                max(1, math.ceil(shown.made_at + shown_codes.SECONDS - time.time()))
            ),
            "site_name": site_name(host_name(self.request)),
        }

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """
        Add the id of the current set, and the number of codes left and in a new set.

        The link that leaves the page leads to ``next``, if the request has it.
        """
        return super().get_context_data(
            **{
                "overview_url": self.get_redirect_url() or self.url_of(OVERVIEW),
                "recovery_codes_url": self.with_next(RECOVERY_CODES),
                "set_id": self.set_id(),
                "recovery_codes_left": recovery_codes.remaining_recovery_codes(self.user),
                "number": recovery_codes.NUMBER,
                **kwargs,
            }
        )


def _datetime(seconds: float) -> datetime:
    """Return a Unix time as a datetime that templates show in the current time zone."""
    aware = datetime.fromtimestamp(seconds, tz=UTC)
    return aware if settings.USE_TZ else timezone.make_naive(aware)
