"""What the limits of a year count: wrong guesses, and messages to an account."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class WrongGuess(models.Model):
    """
    A wrong short code that was tried for an account. It counts for 365 days.

    Guesses at usernames without an account overwrite a fixed number of rows without a user.
    """

    # The id of a user's row is random, so no row is overwritten while it counts.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # Without a constraint: see KnownBrowser.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_constraint=False,
        null=True,
        related_name="otp_wrong_guesses",
        verbose_name=_("user"),
    )
    at = models.BigIntegerField(_("Unix time in seconds"))
    units = models.PositiveSmallIntegerField(_("number of codes that were right"))
    is_known = models.BooleanField(_("from a known browser"))

    class Meta:
        verbose_name = _("wrong guess")
        verbose_name_plural = _("wrong guesses")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"


class MessageCount(models.Model):
    """
    The number of messages of one kind that were sent to an account since a point in time.

    ``budget`` is the name of a limit, the name of a notice that is sent once a year, or the hash of
    a network that has got an extra message.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        db_constraint=False,
        related_name="otp_message_counts",
        verbose_name=_("user"),
    )
    budget = models.CharField(pgettext_lazy("swap_user", "budget"), max_length=32)
    since = models.BigIntegerField(_("Unix time in seconds"), default=0)
    count = models.PositiveIntegerField(_("number of messages"), default=0)

    class Meta:
        verbose_name = _("message count")
        verbose_name_plural = _("message counts")
        constraints = [
            models.UniqueConstraint(fields=["user", "budget"], name="swap_user_message_count")
        ]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
