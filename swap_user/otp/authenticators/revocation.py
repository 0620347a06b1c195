"""The end of an authenticator."""

from swap_user.models import Authenticator
from swap_user.signals import authenticator_removed


def remove_authenticator(authenticator: Authenticator) -> bool:
    """
    Delete an authenticator, and say whether it was still there. Its owner is told (R37).

    The owner's sessions are for the caller to end, who knows which one to keep.
    """
    user = authenticator.user
    deleted, _ = Authenticator.objects.filter(pk=authenticator.pk).delete()
    if not deleted:
        return False
    authenticator_removed.send(Authenticator, user=user, authenticator=authenticator)
    return True
