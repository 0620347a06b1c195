"""What tests of delivery share."""


def use_sender(settings, sender):
    """Name a sender class in the settings."""
    path = f"{sender.__module__}.{sender.__qualname__}"
    settings.SWAP_USER = {**settings.SWAP_USER, "OTP_SENDER_CLASS": path}
