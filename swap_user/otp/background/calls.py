"""Why a call of a sender was not made, or did not end."""


class TimedOut(Exception):
    """The call has exceeded its time limit. It still runs, and may succeed later."""


class TooManyHanging(Exception):
    """The call was not made, because ``MOST_ABANDONED`` earlier calls have not returned."""


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
