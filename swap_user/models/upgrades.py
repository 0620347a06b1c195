"""The steps of an upgrade that are not finished."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class PendingUpgrade(models.Model):
    """
    A step of an upgrade from an earlier version that is not finished: old forms are accepted.

    A migration creates the row, and ``finish_otp_upgrade`` deletes it. Each step defines what
    ``seal`` contains.
    """

    name = models.CharField(pgettext_lazy("swap_user", "name"), max_length=32, primary_key=True)
    seal = models.CharField(pgettext_lazy("swap_user", "state"), max_length=255, editable=False)

    class Meta:
        verbose_name = _("pending upgrade")
        verbose_name_plural = _("pending upgrades")

    def __str__(self) -> str:
        return self.name
