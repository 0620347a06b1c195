"""A fresh start for a user who has lost everything."""

from typing import Any

from django.db import transaction

from swap_user.models import Authenticator, RecoveryCode
from swap_user.otp.sessions import end_sessions
from swap_user.signals import authenticator_removed


def reset(user: Any) -> tuple[int, int]:
    """
    Revoke every authenticator and recovery code of ``user`` and end their sessions.

    What is left to them are sent codes, out of a new secret.

    Returns:
        How many authenticators and how many recovery codes were revoked.
    """
    authenticators = Authenticator.objects.filter(user_id=user.pk)
    with transaction.atomic():
        removed = list(authenticators.exclude(type=Authenticator.Type.SENT))
        authenticators.delete()
        codes, _ = RecoveryCode.objects.filter(user_id=user.pk).delete()
    end_sessions(user)
    for authenticator in removed:
        authenticator_removed.send(Authenticator, user=user, authenticator=authenticator)
    return len(removed), codes
