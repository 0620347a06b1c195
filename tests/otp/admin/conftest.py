"""What tests of the admin site's additions share."""

from tests.otp.pages.methods.conftest import user

__all__ = ["user"]
