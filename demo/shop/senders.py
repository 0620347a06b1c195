"""The sender of the demo, which ``SWAP_USER["OTP_SENDER_CLASS"]`` names."""

from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser

from swap_user.otp.senders import EmailOTPSender, StdOutOTPSender


class DemoSender(EmailOTPSender):
    """Send mails, and print codes and notices in the terminal, too."""

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """Print and send the code; see AbstractOTPSender.send()."""
        StdOutOTPSender().send(receiver, otp, **kwargs)
        super().send(receiver, otp, **kwargs)

    def notify(self, user: AbstractBaseUser, subject: str, text: str, **kwargs: Any) -> None:
        """Print and send the message; see AbstractOTPSender.notify()."""
        StdOutOTPSender().notify(user, subject, text, **kwargs)
        super().notify(user, subject, text, **kwargs)
