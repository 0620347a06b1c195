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

code_requested = Signal()
"""
Sent when a visitor requests a code, for every username, whether or not it has an account.

Arguments: ``account`` (the account key, as in the log; the user may not exist). The sender is None.
The request sends the signal, also if a limit of its visitor is reached. An exception in a receiver
is logged and has no other effect.
"""

send_limited = Signal()
"""
Sent when no code was sent because a limit is reached.

Arguments: ``account`` (the account key, as in the log) and ``scope`` (the limit, as in the log).
The sender is None. The request sends the signal for a limit of its visitor, which does not depend
on the username. The delivery job sends it for all other limits. An exception in a receiver is
logged and has no other effect.
"""

code_accepted = Signal()
"""
Sent when a right code was used up: a login, or the first of two codes.

Arguments: ``user``, ``factor`` ("sent", "authenticator" or "recovery") and ``request`` (the request
that was passed to ``authenticate()``, or None). The sender is the user model. An exception in a
receiver is logged and has no other effect.
"""

code_refused = Signal()
"""
Sent when a code was refused. It takes the same time for every username and every reason.

Arguments: ``account`` (the account key, as in the log; the user may not exist), ``reason`` (one of
about ten texts, as in the log) and ``request`` (the request that was passed to ``authenticate()``,
or None). The sender is None. A visitor must not learn the reason. An exception in a receiver is
logged and has no other effect.
"""

login_unavailable = Signal()
"""
Sent when Redis, the database or the store of the sessions can't be reached.

Arguments: ``server`` ("redis", "database" or "sessions") and ``error`` (the name of the class of
the exception). The sender is None. Receivers can't use that server. An exception in a receiver is
logged and has no other effect.
"""

sessions_ended = Signal()
"""
Sent when sessions of a user were ended before their time: all others, or one of them.

Arguments: ``user`` and ``number`` (how many recorded sessions were ended, at least one). A logout
and a session that expires send nothing. The sender is ``LoginSession``. An exception in a receiver
is logged and has no other effect.
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

Arguments: ``user`` and ``seconds`` (since the request for the code, with all attempts). The code is
not included. The delivery job sends the signal; the ``sender`` is the class of the OTP sender. An
exception in a receiver is logged and has no other effect.
"""

delivery_failed = Signal()
"""
Sent once for a message that could not be delivered in any attempt.

Arguments: ``user``, ``error`` (a text without the code). ``user`` is None if the job ended before
it looked up the user, for example because the queue was full. The ``sender`` is the class of the
OTP sender. An exception in a receiver is logged and has no other effect.
"""

send_budget_low = Signal()
"""
Sent when four fifths of a budget in money are spent, once an hour at most.

Arguments: ``budget`` (the name of the budget) and ``period`` ("day" or "month"). The delivery job
sends the signal; the ``sender`` is the class of the OTP sender. Codes for unknown browsers are not
sent any more. An exception in a receiver is logged and has no other effect.
"""

send_budget_spent = Signal()
"""
Sent when a message was not sent because a budget in money is spent, once an hour at most.

Arguments: as those of ``send_budget_low``.
"""
