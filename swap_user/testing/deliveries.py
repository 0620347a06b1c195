"""Deliveries in threads."""

from swap_user.otp.background import lifecycle


def wait_for_deliveries(seconds: float = 10) -> bool:
    """
    Wait until the delivery threads of this process are idle.

    Args:
        seconds: maximum time to wait.

    Returns:
        True if they are idle, False if deliveries are still waiting or running after ``seconds``.
    """
    return lifecycle.current().drain(seconds)
