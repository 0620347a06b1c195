"""Helpers for a project's own tests: a sender that keeps messages in memory."""

from dataclasses import dataclass, field
from typing import Any

from swap_user.otp.background import thread_pool
from swap_user.otp.masked import reveal
from swap_user.otp.senders import AbstractOTPSender


@dataclass(frozen=True, slots=True)
class SentCode:
    """
    One sent code.

    Attributes:
        receiver: the address or phone number it was sent to.
        otp: the code.
        kwargs: the other arguments of ``send()``.
    """

    receiver: str
    otp: str
    kwargs: dict[str, Any] = field(default_factory=dict)


outbox: list[SentCode] = []
"""The codes sent in this process, oldest first. Clear it at the start of a test."""


class MemoryOTPSender(AbstractOTPSender):
    """A sender that appends every code to ``outbox`` instead of delivering it."""

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """Append the code to ``outbox``; see AbstractOTPSender.send()."""
        outbox.append(SentCode(receiver, reveal(otp), kwargs))


def wait_for_deliveries(seconds: float = 10) -> bool:
    """
    Wait until the delivery threads of this process are idle.

    Args:
        seconds: maximum time to wait.

    Returns:
        True if they are idle, False if deliveries are still waiting or running after ``seconds``.
    """
    return thread_pool.current().drain(seconds)
