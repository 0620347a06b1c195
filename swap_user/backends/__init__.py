"""What ``AUTHENTICATION_BACKENDS`` names."""

from swap_user.backends.otp import OTPBackend

__all__ = ["OTPBackend"]
