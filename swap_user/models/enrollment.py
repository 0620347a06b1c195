"""When a user was first required to enroll an authenticator app."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class EnrollmentGrace(models.Model):
    """
    The time at which the policy first required an authenticator app of a user.

    The grace period of the user is counted from it. The row stays when the rule no longer applies,
    or when the app is removed, so that no user gets a second grace period.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="otp_enrollment_grace",
        verbose_name=_("user"),
    )
    began_at = models.DateTimeField(_("began at"), default=timezone.now)

    class Meta:
        verbose_name = _("grace period")
        verbose_name_plural = _("grace periods")

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.pk}"
