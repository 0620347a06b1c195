from swap_user.base_models import AbstractSwapUser, EmailIdentity
from swap_user.to_email.managers import EmailUserManager


class AbstractEmailUser(EmailIdentity, AbstractSwapUser):
    """A user who is known by email address and has a password."""

    objects = EmailUserManager()

    class Meta(EmailIdentity.Meta):
        abstract = True
