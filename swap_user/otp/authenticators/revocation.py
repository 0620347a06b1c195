"""Revocation of authenticators."""

from django.http import HttpRequest

from swap_user.models import Authenticator
from swap_user.signals import authenticator_removed
from swap_user.users.databases import written


def remove_authenticator(authenticator: Authenticator, request: HttpRequest | None = None) -> bool:
    """
    Delete an authenticator and notify its owner (R37).

    The caller must end the owner's sessions, because only the caller knows which one to keep.

    Args:
        authenticator: the authenticator.
        request: the request in which it is removed, or None. If its owner has made the request, the
            notice names the browser and the network.

    Returns:
        True, or False if another request has already deleted the authenticator.
    """
    user = authenticator.user
    deleted, _ = written(Authenticator).filter(pk=authenticator.pk).delete()
    if not deleted:
        return False
    authenticator_removed.send(
        Authenticator, user=user, authenticator=authenticator, request=request
    )
    return True
