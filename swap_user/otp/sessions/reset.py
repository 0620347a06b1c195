"""The reset of a user who has lost all sign-in methods."""

import logging
from typing import Any

from swap_user.models import AddressChange, Authenticator, RecoveryCode
from swap_user.otp import audit
from swap_user.otp.authenticators.secrets import enrolled
from swap_user.otp.senders import load_sender
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.store import keys
from swap_user.otp.throttling import guesses, messages, wrong_guesses
from swap_user.signals import authenticator_removed
from swap_user.users.databases import atomic, written


def reset_user(user: Any) -> tuple[int, int]:
    """
    Revoke all authenticators and recovery codes of a user, end their sessions and lift limits.

    The known browsers of the account are revoked too, and their wrong guesses are forgotten.
    Afterwards the user can log in only with sent codes, for which a new secret is generated.

    Args:
        user: the user to reset.

    Returns:
        The number of revoked authenticators and the number of revoked recovery codes.

    Raises:
        LoginUnavailable: Redis, or the cache that holds the sessions, can't be reached. The
            changes in the database are done, but sessions in the cache may not be ended, and the
            limit on messages to the address of the user is not lifted.
    """
    with atomic(Authenticator):
        removed = list(enrolled(user))
        written(Authenticator).filter(user_id=user.pk).delete()
        codes, _ = written(RecoveryCode).filter(user_id=user.pk).delete()
        # Without the other factors, the link to a former address would be enough to undo a change.
        written(AddressChange).filter(user_id=user.pk).delete()
    try:
        end_sessions(user)
    finally:
        for authenticator in removed:
            authenticator_removed.send(
                Authenticator, user=user, authenticator=authenticator, request=None
            )
        wrong_guesses.forget_known(user)
        lift_limits(user)
    return len(removed), codes


def lift_limits(user: Any) -> None:
    """
    Reset the limits of an account that unknown browsers have reached.

    Afterwards short codes are accepted from unknown browsers again.

    Args:
        user: the owner of the account.

    Raises:
        LoginUnavailable: Redis can't be reached. The limits in the database are lifted, but not the
            limit on messages to the address of the user.
    """
    wrong_guesses.forget(user)
    messages.forget(user)
    guesses.forget(keys.account_key_of(user))
    try:
        receivers = {route.get_receiver(user) for route in load_sender().routes()}
    except Exception as error:  # noqa: BLE001 - the sender is the project's
        reason = audit.describe(error)
        audit.record(logging.ERROR, "no receiver", user=user.pk, error=reason)
    else:
        for receiver in receivers:
            messages.forget_receiver(receiver)
