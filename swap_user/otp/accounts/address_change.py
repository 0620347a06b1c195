"""
A change of the address that codes are sent to, wherever the row of the user is saved (R50).

The address is a factor. When it changes, the user's sessions end, known browsers are revoked,
pending codes die, and the old address is notified. The receivers compare the stored row with the
saved one. They can't see ``QuerySet.update()``, ``bulk_update()`` and SQL, for which Django sends
no signal, and changes in other tables that a sender's ``get_receiver()`` may read.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models.signals import post_save, pre_save
from django.http import HttpRequest

from swap_user.models import AddressChange, Authenticator
from swap_user.otp.accounts import pending
from swap_user.otp.accounts.user_models import stored_user, user_models
from swap_user.otp.durable.after_commit import after_commit
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.senders import AbstractOTPSender, email_address, load_sender
from swap_user.otp.sessions.sessions import end_sessions, is_fresh
from swap_user.otp.store import keys
from swap_user.signals import receiver_changed
from swap_user.users import usernames

# Fields that no address depends on. A login saves only the first of them, and costs no query more.
_UNRELATED = frozenset({"last_login", "password", "security_stamp"})

_ATTRIBUTE = "_swap_user_stored"

_own: ContextVar["_Own | None"] = ContextVar("swap_user_own_address_change", default=None)


class FreshLoginNeeded(PermissionDenied):
    """Raised when users change their own address in a session whose login is not recent."""


class CodeNeeded(PermissionDenied):
    """
    Raised when users change their own address in the admin, where no code was confirmed.

    Attributes:
        address: the new address.
    """

    def __init__(self, address: str) -> None:
        super().__init__("A change of one's own address needs a code that was sent there.")
        self.address = address


@dataclass(frozen=True, slots=True)
class _Own:
    """
    Users may change their own address.

    Attributes:
        request: the request of the user.
        change: the stored change, with which it can be undone, or None.
        needs_code: whether the address must have been confirmed.
    """

    request: HttpRequest
    change: AddressChange | None = None
    needs_code: bool = False


@dataclass(frozen=True, slots=True)
class _Address:
    """
    What of a user decides who gets messages.

    Attributes:
        receiver: where codes are sent to.
        email: where notices are sent to.
        name: the canonical username.
    """

    receiver: str
    email: str
    name: str

    def differs(self, other: "_Address") -> bool:
        """Return whether messages go elsewhere."""
        return (self.receiver, self.email) != (other.receiver, other.email)


def connect() -> None:
    """Connect the receivers. ``SwapUserConfig.ready()`` calls this function."""
    for model in user_models():
        pre_save.connect(_before_save, sender=model, dispatch_uid="swap_user.address_change")
        post_save.connect(_after_save, sender=model, dispatch_uid="swap_user.address_change")


@contextmanager
def own_address_change(
    request: HttpRequest, *, change: AddressChange | None = None, needs_code: bool = False
) -> Iterator[None]:
    """
    Let the user who is logged in change their own address, and stay logged in.

    Within the block, if the row of ``request.user`` gets another address, the session of the
    request does not end. The login of this session must be recent (R37).

    Args:
        request: the request in which the row is saved.
        change: for the pages of this package: the change, with which the notice offers a way back.
        needs_code: for the admin: whether to refuse the change, since no code was confirmed.

    Raises:
        FreshLoginNeeded: ``save()`` raises it, and saves nothing, if the login is not recent. It is
            a PermissionDenied.
        CodeNeeded: ``save()`` raises it, and saves nothing, with ``needs_code``.
    """
    token = _own.set(_Own(request, change, needs_code))
    try:
        yield
    finally:
        _own.reset(token)


def _before_save(
    sender: object,
    instance: Any,
    using: str,
    raw: bool = False,
    update_fields: frozenset[str] | None = None,
    **kwargs: Any,
) -> None:
    """Remember the stored row, if this save may change the address."""
    instance.__dict__.pop(_ATTRIBUTE, None)
    if raw or _is_new(instance) or (update_fields is not None and update_fields <= _UNRELATED):
        return
    stored = stored_user(instance, using)
    if stored is None:
        return
    before, after = _address(stored), _address(_changed(stored, instance, update_fields))
    if before == after:
        return
    if before.differs(after) and (own := _own_by(instance)):
        if not is_fresh(own.request):
            raise FreshLoginNeeded("A change of one's own address needs a recent login.")
        if own.needs_code and before.receiver != after.receiver:
            raise CodeNeeded(after.receiver)
    instance.__dict__[_ATTRIBUTE] = stored


def _after_save(sender: object, instance: Any, using: str, **kwargs: Any) -> None:
    """Compare the remembered row with the saved one, and act after the commit."""
    before = instance.__dict__.pop(_ATTRIBUTE, None)
    # Read again: the saved value may be an expression, or one that the field has normalized.
    after = None if before is None else stored_user(instance, using)
    if after is not None and _address(before) != _address(after):
        user = instance if isinstance(instance, get_user_model()) else after
        after_commit(partial(_apply, user, before, after, _own_by(instance)), using)


def _apply(user: Any, before: Any, after: Any, own: _Own | None) -> None:
    """
    Do what follows from the change.

    Args:
        user: the saved instance.
        before: the user as stored before.
        after: the user as stored now.
        own: set if the user makes the change. The session of that request does not end.
    """
    keep, change = (own.request, own.change) if own else (None, None)
    old, new = _address(before), _address(after)
    if old.name != new.name:
        pending.forget(keys.account_key(old.name))
    if not old.differs(new):
        return
    # Without their secret, codes on their way to the old address are refused. The next code that
    # is sent gets a new one.
    sent = Authenticator._base_manager.filter(pk=Authenticator.sent_id(user.pk))
    sent.delete()
    pending.forget(keys.account_key(new.name))
    with suppress(LoginUnavailable):  # logged
        end_sessions(user, keep=keep)
    receiver_changed.send(get_user_model(), user=user, previous=before, request=keep, change=change)


def _is_new(instance: Any) -> bool:
    """Return whether save() inserts a row. An unsaved instance with a key may overwrite one."""
    return bool(instance._state.adding and instance.pk is None)


def _changed(stored: Any, instance: Any, update_fields: frozenset[str] | None) -> Any:
    """Return a copy of the stored row with the values that are about to be saved."""
    changed = copy(stored)
    for field in stored._meta.concrete_fields:
        names = {field.name, field.attname}
        if field.attname in instance.__dict__ and (update_fields is None or names & update_fields):
            setattr(changed, field.attname, instance.__dict__[field.attname])
    return changed


def _own_by(instance: Any) -> _Own | None:
    own = _own.get()
    return own if own is not None and own.request.user.pk == instance.pk else None


def _address(user: Any) -> _Address:
    try:
        routes = load_sender().routes()
    except Exception:  # noqa: BLE001 - the sender is the project's
        routes = []
    # A code may go to the address of any channel.
    receivers = "\n".join(_receiver(each, user) for each in routes)
    return _Address(receivers, email_address(user), usernames.stored(user))


def _receiver(sender: AbstractOTPSender, user: Any) -> str:
    try:
        return str(sender.get_receiver(user))
    except Exception:  # noqa: BLE001 - the sender is the project's
        return ""
