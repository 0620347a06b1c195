"""
Keep the email addresses of django-allauth in step with the address of the user.

Its pages log users in by the rows of its own model, so an address of before would stay a way in.
"""

import logging
from typing import Any

from django.apps import apps
from django.db import IntegrityError

from swap_user.otp import audit
from swap_user.otp.senders import email_address
from swap_user.signals import receiver_changed
from swap_user.users.databases import atomic, written

_APP, _MODEL = "account", "EmailAddress"


def connect() -> None:
    """Connect the receiver, if django-allauth is installed."""
    if apps.is_installed("allauth.account"):
        receiver_changed.connect(follow, dispatch_uid="swap_user.allauth")


def follow(
    sender: object, user: Any, previous: Any = None, change: Any = None, **kwargs: Any
) -> None:
    """
    Replace the former address by the new one. This receives ``receiver_changed``.

    The new address counts as verified if its owner has confirmed it by a code.
    """
    old, new = email_address(previous) if previous is not None else "", email_address(user)
    if old != new:
        replace(user, old, new, verified=change is not None)


def replace(user: Any, old: str, new: str, *, verified: bool) -> None:
    """
    Store an address of a user as the primary one.

    Args:
        user: the user.
        old: the address of before, or "".
        new: the address, or "" for none.
        verified: whether it was confirmed by a code. If not, it is what allauth knows of it.
    """
    if not apps.is_installed("allauth.account"):
        return
    model: Any = apps.get_model(_APP, _MODEL)
    rows = written(model).filter(user_id=user.pk)
    present = rows.filter(email__iexact=new)
    if new and not verified and present.filter(primary=True).exists():
        return  # a page of allauth has made the change, and has decided about the other addresses
    if old:
        rows.filter(email__iexact=old).delete()
    if not new:
        return
    try:
        with atomic(model):
            rows.exclude(email__iexact=new).update(primary=False)
            values = {"primary": True, **({"verified": True} if verified else {})}
            if not present.update(**values):
                rows.create(user_id=user.pk, email=new, **values)
    except IntegrityError as error:  # another account has verified it in allauth
        reason = audit.describe(error)
        audit.record(logging.WARNING, "allauth address not saved", user=user.pk, reason=reason)
