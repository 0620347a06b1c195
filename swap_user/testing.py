"""For a project's own tests: a sender that keeps what it was given."""

from dataclasses import dataclass, field
from typing import Any

from swap_user.otp.background import thread_pool
from swap_user.otp.senders import AbstractOTPSender


@dataclass(frozen=True, slots=True)
class SentCode:
    """
    One message.

    Args:
        receiver: where it went.
        otp: the code.
        kwargs: what else the sender was given.
    """

    receiver: str
    otp: str
    kwargs: dict[str, Any] = field(default_factory=dict)


outbox: list[SentCode] = []
"""What was sent in this process, oldest first; a test empties it before it begins."""


class MemoryOTPSender(AbstractOTPSender):
    """Put every code into ``outbox`` instead of sending it."""

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """Keep it; see AbstractOTPSender.send()."""
        outbox.append(SentCode(receiver, otp, kwargs))


def wait_for_deliveries(seconds: float = 10) -> bool:
    """
    Wait until the threads of this process have sent what was asked for, and say whether they have.

    Args:
        seconds: for how long at most.
    """
    return thread_pool.current().drain(seconds)
