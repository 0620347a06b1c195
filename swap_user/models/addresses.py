"""Changes of the address that codes are sent to, which their owner can undo."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AddressChange(models.Model):
    """
    A change of the address that codes are sent to, made by the user.

    A message to the address of before has a link, with which the change can be undone for seven
    days. After that the row is deleted. The addresses are personal data.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="otp_address_changes",
        verbose_name=_("user"),
    )
    previous = models.CharField(_("previous address"), max_length=320, editable=False)
    current = models.CharField(_("new address"), max_length=320, editable=False)
    needs_code = models.BooleanField(_("asks for another factor"), default=False, editable=False)
    with_factor = models.BooleanField(_("made with another factor"), default=False, editable=False)
    changed_at = models.DateTimeField(_("changed at"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("address change")
        verbose_name_plural = _("address changes")

    def __str__(self) -> str:
        # The addresses are not shown.
        return f"{self._meta.verbose_name} {self.pk}"
