"""Authentication backends for ``AUTHENTICATION_BACKENDS``."""

from swap_user.backends.otp import OTPBackend

__all__ = ["OTPBackend"]
