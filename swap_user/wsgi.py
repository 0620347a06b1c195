"""Deliver accepted messages when a WSGI server ends: ``application = drained(application)``."""

from collections.abc import Callable
from typing import Any, TypeVar

from swap_user.otp.background import lifecycle, termination

Application = TypeVar("Application", bound=Callable[..., Any])


def drained(application: Application, *, seconds: float = lifecycle.EXIT_LIMIT) -> Application:
    """
    Let SIGTERM end the process as Ctrl-C does, so that accepted messages are delivered.

    Some servers, such as waitress and ``runserver --noreload``, do not handle SIGTERM. The signal
    then ends the process at once, and Python calls no exit handlers. With this function it raises
    SystemExit in the main thread, and is ignored when it comes again.

    Nothing changes for a server that handles SIGTERM, and if this function is not called in the
    main thread, because Python allows signal handlers only there.

    Args:
        application: the WSGI application of the project. It is returned unchanged.
        seconds: how long to wait for messages. Those that are not sent by then are logged and
            signalled.
    """
    lifecycle.EXIT_LIMIT = seconds
    termination.exit_on_signals()
    return application
