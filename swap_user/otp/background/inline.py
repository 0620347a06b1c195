"""Running jobs inline: in the thread and the transaction of the request."""

from contextvars import ContextVar

from django.db import connections

inline = ContextVar("swap_user.inline", default=False)
"""Whether jobs run inline. If so, the sender is called once, without a time limit."""


def release_connections() -> None:
    """Close this thread's database connections. Do nothing inline or if a transaction is open."""
    if not inline.get():
        for connection in connections.all(initialized_only=True):
            if connection.autocommit:  # no transaction is open
                connection.close()
