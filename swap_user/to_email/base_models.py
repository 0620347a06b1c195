from swap_user.to_email.managers import EmailUserManager
from swap_user.users.models import AbstractSwapUser, EmailIdentity


class AbstractEmailUser(EmailIdentity, AbstractSwapUser):
    """A user with an email address as username, and a password."""

    objects = EmailUserManager()

    class Meta(EmailIdentity.Meta):
        abstract = True
