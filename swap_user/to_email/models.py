from django.utils.translation import gettext_lazy as _

from swap_user.to_email.base_models import AbstractEmailUser


class EmailUser(AbstractEmailUser):
    """The user model with an email address as username, and a password."""

    class Meta(AbstractEmailUser.Meta):
        swappable = "AUTH_USER_MODEL"
        verbose_name = _("email user")
        verbose_name_plural = _("email users")
