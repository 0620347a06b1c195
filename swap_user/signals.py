"""
Signals: what happened to an account, for a project to act upon.

The sender is the class that each is about. A receiver runs within what it is told of: one that is
slow makes that slow.
"""

from django.dispatch import Signal

authenticator_added = Signal()
"""An authenticator was enrolled; with ``user`` and ``authenticator``."""

authenticator_removed = Signal()
"""
An authenticator was removed or revoked; with ``user`` and ``authenticator``, deleted already.
"""

recovery_codes_generated = Signal()
"""A user has a new set of recovery codes; the earlier set ended. With ``user``."""

recovery_code_used = Signal()
"""Somebody logged in with a recovery code; with ``user`` and ``remaining``, how many are left."""

new_browser_login = Signal()
"""Somebody logged in from a browser that is not known yet; with ``user`` and ``request``."""

guesses_exhausted = Signal()
"""
The guesses that strangers have at an account are spent; with ``user``. Sent by a job, not within
the request of whoever guessed.
"""

login_limited = Signal()
"""
An attempt was refused unread, because a limit was reached; the sender is None.

With ``account`` (the keyed hash that the log has too: there may be no such user), ``scope`` (which
limit) and ``retry_in`` (seconds until the next attempt counts).
"""

code_sent = Signal()
"""
A sender took a code; with ``user``. Sent by the delivery job, by the class of the sender, and the
code is not in it. Receivers that raise are logged, and break nothing.
"""

delivery_failed = Signal()
"""
A message was given up, once, after all attempts; with ``user`` and ``error``, a text without the
code. Likewise. ``user`` is None where nobody was looked up yet: the queue was full, say.
"""
