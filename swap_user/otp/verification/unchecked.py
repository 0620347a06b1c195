"""A code that no backend has checked: that of this package is not in AUTHENTICATION_BACKENDS."""

import inspect
import logging

from django.contrib.auth import get_backends
from django.http import HttpRequest

from swap_user.otp import audit
from swap_user.otp.verification import outcomes

BACKEND = "swap_user.backends.OTPBackend"

_warned = False


def takes_codes(backend: object) -> bool:
    """
    Return whether a class is the backend of this package or a subclass of it.

    It is recognized by its name, because no module below the backend imports it.

    Args:
        backend: what a path in AUTHENTICATION_BACKENDS names.
    """
    bases = inspect.getmro(backend) if inspect.isclass(backend) else ()
    return any(f"{base.__module__}.{base.__qualname__}" == BACKEND for base in bases)


def report_unchecked(request: HttpRequest) -> None:
    """
    Log, once per process, that no backend in AUTHENTICATION_BACKENDS takes codes.

    Nothing is logged if a backend has checked the code, or if one could but another package refused
    the login before.

    Args:
        request: the request that ``authenticate()`` was called with. It returned None.
    """
    global _warned
    if _warned or outcomes.outcome_of(request) is not None:
        return
    if any(takes_codes(type(backend)) for backend in get_backends()):
        return
    _warned = True
    audit.record(
        logging.ERROR,
        "code not checked",
        reason="AUTHENTICATION_BACKENDS has no backend that takes codes; add "
        "swap_user.backends.OTPBackend to it",
    )
