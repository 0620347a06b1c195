"""Jobs that run in the thread and the transaction of the request."""

from contextvars import ContextVar

from django.db import connections

inline = ContextVar("swap_user.inline", default=False)
"""Whether jobs run here: each call is made once, in this thread and without a time limit."""


def release_connections() -> None:
    """Close this thread's database connections, except inline and in transactions."""
    if not inline.get():
        for connection in connections.all(initialized_only=True):
            if connection.autocommit:  # no transaction is open
                connection.close()
