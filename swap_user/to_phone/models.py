from django.utils.translation import gettext_lazy as _

from swap_user.to_phone.base_models import AbstractPhoneUser


class PhoneUser(AbstractPhoneUser):
    """The user model of phones, ready to be used as it is."""

    class Meta(AbstractPhoneUser.Meta):
        swappable = "AUTH_USER_MODEL"
        verbose_name = _("phone user")
        verbose_name_plural = _("phone users")
