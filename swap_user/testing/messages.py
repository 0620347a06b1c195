"""A sender that keeps codes and notices in memory, and the outbox in which a test reads them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, SupportsIndex, overload

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.test import override_settings

from swap_user.otp.masked import reveal
from swap_user.otp.senders import AbstractOTPSender
from swap_user.testing import reached

SENDER = "swap_user.testing.MemoryOTPSender"
DISPATCHER = "swap_user.otp.dispatchers.InlineDispatcher"


@dataclass(frozen=True, slots=True)
class SentCode:
    """
    One sent code.

    Attributes:
        receiver: the address or phone number it was sent to.
        otp: the code.
        kwargs: the other arguments of ``send()``.
    """

    receiver: str
    otp: str
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SentNotice:
    """
    One notice to the owner of an account.

    Attributes:
        user: the owner.
        subject: the subject, one line.
        text: the message, in plain text.
        kwargs: the other arguments of ``notify()``, such as ``event``, the name of the notice.
    """

    user: AbstractBaseUser
    subject: str
    text: str
    kwargs: dict[str, Any] = field(default_factory=dict)


class Outbox(list[SentCode]):
    """
    The sent codes, oldest first.

    Attributes:
        notices: the notices, oldest first.
    """

    def __init__(self) -> None:
        super().__init__()
        self.notices: list[SentNotice] = []

    def clear(self) -> None:
        """Remove all codes and all notices."""
        super().clear()
        self.notices.clear()

    @overload
    def __getitem__(self, index: SupportsIndex) -> SentCode: ...

    @overload
    def __getitem__(self, index: slice) -> list[SentCode]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> SentCode | list[SentCode]:
        """
        Return a code, as from any list.

        Raises:
            IndexError: there is no such code. The text says why, if known: the limit that was
                reached, an outage, or that there is no such account.
        """
        try:
            return super().__getitem__(index)
        except IndexError:
            sent = f"{len(self)} codes were sent" if self else "No code was sent"
            raise IndexError(". ".join([f"{sent} in this process", *reached.current()])) from None


outbox = Outbox()
"""The codes that were sent in this process; ``outbox.notices`` are the notices."""


class MemoryOTPSender(AbstractOTPSender):
    """
    A sender that appends every code to ``outbox`` instead of delivering it.

    Notices are appended to ``outbox.notices``. Django's email gets them too, as from other senders,
    if the user has an address.
    """

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        """Append the code to ``outbox``; see AbstractOTPSender.send()."""
        outbox.append(SentCode(receiver, reveal(otp), kwargs))

    def notify(self, user: AbstractBaseUser, subject: str, text: str, **kwargs: Any) -> None:
        """Append the notice to ``outbox.notices``; see AbstractOTPSender.notify()."""
        super().notify(user, subject, text, **kwargs)
        outbox.notices.append(SentNotice(user, subject, text, kwargs))


@contextmanager
def memory_sender() -> Iterator[Outbox]:
    """Send codes to ``outbox``, in the request that asks for them, whatever the settings are."""
    changes = {"OTP_SENDER_CLASS": SENDER, "OTP_DISPATCHER": DISPATCHER}
    with override_settings(SWAP_USER={**getattr(settings, "SWAP_USER", {}), **changes}):
        yield outbox
