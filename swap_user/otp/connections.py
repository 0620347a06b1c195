"""Database connections of jobs, and running jobs inline: in the transaction of the request."""

from contextvars import ContextVar

from django.db import connections

inline = ContextVar("swap_user.inline", default=False)
"""Whether jobs run inline. If so, the sender is called once, without a time limit."""


def release_connections() -> None:
    """
    Close this thread's database connections, so that none is kept while a message is sent.

    Do nothing for a connection with an open transaction, and nothing at all if jobs run inline.
    """
    if not inline.get():
        for connection in connections.all(initialized_only=True):
            if connection.autocommit:  # no transaction is open
                connection.close()
