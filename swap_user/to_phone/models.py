from django.utils.translation import gettext_lazy as _

from swap_user.to_phone.base_models import AbstractPhoneUser


class PhoneUser(AbstractPhoneUser):
    """The user model with a phone number as username, and a password."""

    class Meta(AbstractPhoneUser.Meta):
        swappable = "AUTH_USER_MODEL"
        verbose_name = _("phone user")
        verbose_name_plural = _("phone users")
