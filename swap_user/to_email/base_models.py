from swap_user.to_email.managers import EmailUserManager
from swap_user.users.models import AbstractSwapUser, EmailIdentity


class AbstractEmailUser(EmailIdentity, AbstractSwapUser):
    """A user who is known by email address and has a password."""

    objects = EmailUserManager()

    class Meta(EmailIdentity.Meta):
        abstract = True
