from swap_user.to_email_otp.managers import EmailOTPUserManager
from swap_user.users.models import AbstractPasswordlessUser, EmailIdentity


class AbstractEmailOTPUser(EmailIdentity, AbstractPasswordlessUser):
    """A user with an email address as username, without a password."""

    objects = EmailOTPUserManager()

    class Meta(EmailIdentity.Meta):
        abstract = True
