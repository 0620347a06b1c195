"""What a user can log in with: authenticators and recovery codes."""

import uuid

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

# UUID namespace for the ids of authenticators for sent codes, see Authenticator.sent_id().
_SENT_NAMESPACE = uuid.UUID("6f1c1f0c-5b0c-4d57-9a3c-5d4d6a1e1c60")


class Authenticator(models.Model):
    """
    A user's source of one-time codes: an authenticator app, or the address that codes are sent to.

    ``secret`` is a ciphertext, under the keys in OTP_ENCRYPTION_KEYS. ``consumed`` is the highest
    counter that was accepted: a counter at or below it is never accepted again (RFC 6238 section
    5.2).
    """

    class Type(models.TextChoices):
        SENT = "sent", _("Sent code")
        TOTP = "totp", _("Authenticator app")
        HOTP = "hotp", _("Counter-based authenticator")

    class Algorithm(models.TextChoices):
        SHA1 = "SHA1", "SHA-1"
        SHA256 = "SHA256", "SHA-256"
        SHA512 = "SHA512", "SHA-512"

    # A UUID is known before the row is saved. The ciphertext is bound to it.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="otp_authenticators",
        verbose_name=_("user"),
    )
    type = models.CharField(pgettext_lazy("swap_user", "type"), max_length=8, choices=Type)
    name = models.CharField(pgettext_lazy("swap_user", "name"), max_length=64, blank=True)
    secret = models.TextField(_("encrypted secret"), editable=False)
    algorithm = models.CharField(
        pgettext_lazy("swap_user", "algorithm"),
        max_length=8,
        choices=Algorithm,
        default=Algorithm.SHA1,
    )
    digits = models.PositiveSmallIntegerField(pgettext_lazy("swap_user", "digits"), default=6)
    period = models.PositiveSmallIntegerField(_("period in seconds"), default=30)
    consumed = models.BigIntegerField(_("last accepted counter"), default=-1, editable=False)
    created_at = models.DateTimeField(pgettext_lazy("swap_user", "created at"), auto_now_add=True)
    last_used_at = models.DateTimeField(
        pgettext_lazy("swap_user", "last used at"), null=True, blank=True, editable=False
    )

    class Meta:
        verbose_name = pgettext_lazy("swap_user", "authenticator")
        verbose_name_plural = pgettext_lazy("swap_user", "authenticators")

    def __str__(self) -> str:
        return self.name or str(self.Type(self.type).label)

    @property
    def factor(self) -> str:
        """The factor that a code of this authenticator proves: "sent" or "authenticator"."""
        return "sent" if self.type == self.Type.SENT else "authenticator"

    @staticmethod
    def sent_id(user_id: object) -> uuid.UUID:
        """
        Return the id of a user's authenticator for sent codes.

        The id is derived from the user's id, so the primary key ensures that a user has only one.
        A conditional unique constraint would need a database that supports it; MariaDB does not.
        """
        return uuid.uuid5(_SENT_NAMESPACE, str(user_id))


class RecoveryCode(models.Model):
    """
    A recovery code of a user, who can log in with it once if no other sign-in method works.

    ``code`` is an encrypted salted hash. ``swap_user.otp.generate_recovery_codes()`` creates a set.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="otp_recovery_codes",
        verbose_name=_("user"),
    )
    code = models.CharField(_("hashed code"), max_length=255, editable=False)
    created_at = models.DateTimeField(pgettext_lazy("swap_user", "created at"), auto_now_add=True)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("recovery code")
        verbose_name_plural = _("recovery codes")

    def __str__(self) -> str:
        # The hash is never shown.
        return f"{self._meta.verbose_name} {self.pk}"
