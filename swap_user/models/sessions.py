"""Where a user is logged in, and the browsers in which they have logged in."""

import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class LoginSession(models.Model):
    """
    The record of a session in which a user is logged in.

    With it, the sessions of a user are found by an index, whatever the session engine. The browser
    and the network are personal data: OTP_SESSION_RETENTION limits how long they are stored.
    """

    # Not the session key, which changes while the user stays logged in.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="otp_login_sessions",
        verbose_name=_("user"),
    )
    session_key = models.CharField(
        pgettext_lazy("swap_user", "session key"), max_length=128, unique=True, editable=False
    )
    created_at = models.DateTimeField(_("logged in at"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen at"), default=timezone.now)
    expires_at = models.DateTimeField(pgettext_lazy("swap_user", "expires at"))
    user_agent = models.CharField(pgettext_lazy("swap_user", "browser"), max_length=200, blank=True)
    network = models.CharField(pgettext_lazy("swap_user", "network"), max_length=43, blank=True)

    class Meta:
        verbose_name = _("login session")
        verbose_name_plural = _("login sessions")

    def __str__(self) -> str:
        # The session key is never shown: it is a login.
        return f"{self._meta.verbose_name} {self.pk}"


class KnownBrowser(models.Model):
    """
    A browser in which a user has logged in. Its messages and guesses have limits of their own.

    The browser has a signed cookie, and ``browser`` is a keyed hash of the id in it. Without its
    row, the cookie has no effect. The user agent and the network are personal data:
    OTP_SESSION_RETENTION limits how long they are stored.

    ``language`` and ``time_zone`` are those of the last stored login, for notices to the owner.
    They are empty if there was none, and ``time_zone`` also if it was TIME_ZONE.
    """

    # Without a constraint, so that an insert on a connection of its own never waits for the lock
    # that a caller holds on the row of the user.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="otp_known_browsers",
        verbose_name=_("user"),
    )
    browser = models.CharField(_("hash of the cookie"), max_length=32, editable=False)
    logged_in_at = models.DateTimeField(
        pgettext_lazy("swap_user", "last login"), default=timezone.now
    )
    user_agent = models.CharField(pgettext_lazy("swap_user", "browser"), max_length=200, blank=True)
    network = models.CharField(pgettext_lazy("swap_user", "network"), max_length=43, blank=True)
    # Servers of a version without these columns insert rows during an upgrade.
    language = models.CharField(
        pgettext_lazy("swap_user", "language"), max_length=35, blank=True, default="", db_default=""
    )
    time_zone = models.CharField(
        _("time zone"), max_length=64, blank=True, default="", db_default=""
    )

    class Meta:
        verbose_name = _("known browser")
        verbose_name_plural = _("known browsers")
        constraints = [
            models.UniqueConstraint(fields=["user", "browser"], name="swap_user_known_browser")
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
