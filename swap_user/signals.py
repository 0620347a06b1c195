"""
Signals that a project can connect receivers to.

The ``sender`` of a signal is a class: the model, the sender or the user model that the event
concerns. Receivers run synchronously, so a slow receiver delays the request or the job that sends
the signal.
"""

from django.dispatch import Signal

authenticator_added = Signal()
"""
Sent when an authenticator is enrolled.

Arguments: ``user``, ``authenticator``, ``request`` (the request that was passed to
``Enrollment.confirm()``, or None).
"""

authenticator_removed = Signal()
"""
Sent when an authenticator is removed or revoked.

Arguments: ``user``, ``authenticator`` (already deleted from the database), ``request`` (the request
in which it was removed, or None).
"""

recovery_codes_generated = Signal()
"""
Sent when a user gets a new set of recovery codes. The earlier set no longer works.

Arguments: ``user``, ``request`` (the request that was passed to ``generate_recovery_codes()``, or
None).
"""

recovery_code_used = Signal()
"""
Sent when a user logs in with a recovery code.

Arguments: ``user``, ``remaining`` (the number of unused recovery codes), ``request`` (or None).
"""

new_browser_login = Signal()
"""
Sent when a user logs in from an unknown browser.

Arguments: ``user``, ``request``, ``is_first`` (whether it is the first login of the account, which
its owner is not notified about).
"""

receiver_changed = Signal()
"""
Sent when the address that codes or notices of a user are sent to has changed, after the commit.

Arguments: ``user``, ``previous`` (an instance with the values of before, which must not be saved),
``request`` and ``change`` (set if the user has changed the address on a page of this package, else
None).
"""

guesses_exhausted = Signal()
"""
Sent when unknown browsers have used up their guesses at an account.

Arguments: ``user``. A background job sends it, not the request with the last guess. It is sent once
a year for each account, or once a day as long as the notice to the owner can't be sent.
"""

login_limited = Signal()
"""
Sent when a limit is reached and a code is refused without being checked. The sender is None.

Arguments: ``account`` (the account key, as in the log; the user may not exist), ``scope`` (the
limit) and ``retry_in`` (seconds until the next attempt is checked).
"""

code_sent = Signal()
"""
Sent when a sender has accepted a code for delivery.

Arguments: ``user``. The code is not included. The delivery job sends the signal; the ``sender`` is
the class of the OTP sender. An exception in a receiver is logged and has no other effect.
"""

delivery_failed = Signal()
"""
Sent once for a message that could not be delivered in any attempt.

Arguments: ``user``, ``error`` (a text without the code). ``user`` is None if the job ended before
it looked up the user, for example because the queue was full. The ``sender`` is the class of the
OTP sender. An exception in a receiver is logged and has no other effect.
"""
