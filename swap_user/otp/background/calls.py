"""Calls of senders: how many may be open, and why one was not made, or did not end."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass

from swap_user.otp.background.lanes import has_room

# Maximum number of calls that have exceeded their time limit and have not returned. Their threads
# can't be ended, and each uses memory and perhaps a socket. A lane may have three quarters of them.
MOST_ABANDONED = 16

# Maximum number of calls for one receiver at a time, so that a slow mail server of one receiver
# does not block all threads. Each lane counts its own calls: messages that strangers have requested
# for an owner don't hold up the one that the owner has requested.
MOST_AT_ONCE = 2


class TimedOut(Exception):
    """The call has exceeded its time limit. It still runs, and may succeed later."""


class TooManyHanging(Exception):
    """The call was not made: too many earlier calls hang (``MOST_ABANDONED``)."""


class ReceiverBusy(Exception):
    """The call was not made: ``MOST_AT_ONCE`` earlier calls for this receiver still run."""


class Stopped(Exception):
    """The call raised an exception that would end its thread, such as SystemExit."""


class ProcessEnds(Exception):
    """The process ended before the call did. Its message may still arrive."""

    REASON = "the process ends"

    def __str__(self) -> str:
        return f"{self.REASON}; the message may still arrive"


class Abandoned(BaseException):
    """Ends a job that has been reported as failed meanwhile. Only the pool may catch it."""


@dataclass
class Call:
    """
    A call of a sender.

    Attributes:
        receiver: identifies the receiver of the message.
        is_urgent: the lane of its job.
        seconds: the time limit.
        expired: replaces the rest of the job if the call does not end in time.
        deadline: seconds of time.monotonic(); infinity after the call was abandoned.
    """

    receiver: str
    is_urgent: bool
    seconds: float
    expired: Callable[[Exception], object]
    deadline: float

    def abandon(self) -> None:
        """Watch the deadline no longer."""
        self.deadline = math.inf


class OpenCalls(dict[threading.Thread, Call]):
    """The calls that have not returned, by their threads. It has no lock of its own."""

    @property
    def next_deadline(self) -> float:
        """The next deadline, in seconds of time.monotonic(), or infinity."""
        return min((call.deadline for call in self.values()), default=math.inf)

    @property
    def abandoned(self) -> list[Call]:
        """The calls that were abandoned."""
        return [call for call in self.values() if call.deadline == math.inf]

    def check(self, receiver: str, *, is_urgent: bool) -> None:
        """
        Check whether one more call may be made.

        Raises:
            TooManyHanging: too many abandoned calls have not returned.
            ReceiverBusy: too many calls for this receiver have not returned.
        """
        hanging = len(self.abandoned)
        same = sum(call.is_urgent is is_urgent for call in self.abandoned)
        if not has_room(MOST_ABANDONED, same=same, others=hanging - same):
            raise TooManyHanging(f"{hanging} earlier calls have not returned yet")
        pairs = [(call.receiver, call.is_urgent) for call in self.values()]
        if pairs.count((receiver, is_urgent)) >= MOST_AT_ONCE:
            raise ReceiverBusy(f"{MOST_AT_ONCE} earlier messages to this user are not sent yet")
