"""A fresh start for a user who has lost everything."""

from typing import Any

from django.db import transaction

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp.authenticators.secrets import enrolled
from swap_user.otp.sessions.sessions import end_sessions
from swap_user.otp.store import keys
from swap_user.otp.throttling import sends
from swap_user.signals import authenticator_removed
from swap_user.users import usernames


def reset_user(user: Any) -> tuple[int, int]:
    """
    Revoke every authenticator and recovery code of ``user``, end their sessions, lift their limits.

    What is left to them are sent codes, out of a new secret. No browser is known any more.

    Returns:
        How many authenticators and how many recovery codes were revoked.

    Raises:
        LoginUnavailable: Redis can't be reached; all is done but what lies there: the limits, and
            which browsers are known.
    """
    with transaction.atomic():
        removed = list(enrolled(user))
        Authenticator.objects.filter(user_id=user.pk).delete()
        codes, _ = RecoveryCode.objects.filter(user_id=user.pk).delete()
    end_sessions(user)
    for authenticator in removed:
        authenticator_removed.send(Authenticator, user=user, authenticator=authenticator)
    lift_limits(user)
    return len(removed), codes


def lift_limits(user: Any) -> None:
    """
    Take back what strangers have used up: short codes count again in every browser.

    Raises:
        LoginUnavailable: Redis can't be reached.
    """
    sends.lift(keys.account_key(usernames.normalize(user.get_username())))
