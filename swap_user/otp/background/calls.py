"""Why a call of a sender was not made, or did not end."""


class TimedOut(Exception):
    """The call has exceeded its time limit. It still runs, and may succeed later."""


class TooManyHanging(Exception):
    """The call was not made, because ``MOST_ABANDONED`` earlier calls have not returned."""


class ReceiverBusy(Exception):
    """The call was not made: ``MOST_AT_ONCE`` earlier calls for this receiver still run."""


class Stopped(Exception):
    """The call raised an exception that would end its thread, such as SystemExit."""


class Abandoned(BaseException):
    """Ends a job whose call returned after its time limit. Only the pool may catch it."""
