"""A sender with several channels: the next one is used if one fails, or if the visitor asks."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.module_loading import import_string

from swap_user.otp.delivery.notice_words import accepted
from swap_user.otp.senders import AbstractOTPSender, Channel, notice_receiver

__all__ = ["ChainSender", "Channel"]

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")


class ChainSender(AbstractOTPSender):
    """
    Send codes and notices by one of several channels. A subclass names them.

    The channels are tried in their order, the one that the visitor has asked for first. One for
    which the user has no address is left out. If one raises an exception, the next one is used. All
    of them send the same code.

    A code that confirms an address goes to this address, by the first channel only.
    """

    channels: ClassVar[Sequence[Channel]] = ()
    """The channels, in the order in which they are tried. Every visitor is offered all of them."""

    def routes(self, channel: str = "") -> Sequence[AbstractOTPSender]:
        """
        Return a sender of each channel, beginning with that of ``channel``.

        Raises:
            ImportError: a channel can't be imported.
        """
        in_order = sorted(self.channels, key=lambda each: each.name != channel)
        return [_load(each)() for each in in_order]

    def send(self, receiver: str, otp: str, **kwargs: Any) -> object:
        """Send the code by the first channel; see AbstractOTPSender.send()."""
        return self._first.send(receiver, otp, **kwargs)

    def get_receiver(self, user: AbstractBaseUser) -> str:
        """Return the address for the first channel, which users can change on their pages."""
        return self._first.get_receiver(user)

    def notify(self, user: AbstractBaseUser, subject: str, text: str, **kwargs: Any) -> None:
        """Notify ``user`` by the first channel that has an address and does not fail."""
        failure: Exception | None = None
        for route in self.routes():
            if notice_receiver(route, user):
                try:
                    return route.notify(user, subject, text, **accepted(route.notify, kwargs))
                except Exception as error:  # noqa: BLE001 - the sender is the project's
                    failure = error
        if failure:
            raise failure
        return None

    @property
    def _first(self) -> AbstractOTPSender:
        return _load(self.channels[0])()

    @classmethod
    def problems(cls) -> Iterator[tuple[str, str]]:
        """Yield what is wrong with the channels; see AbstractOTPSender.problems()."""
        names = [each.name for each in cls.channels]
        if not names:
            yield (
                "has no channels.",
                'Set channels = [Channel("sms", "mysite.senders.SMSSender", …)].',
            )
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield (
                f"has two channels with the name {name!r}.",
                "Give each channel a name of its own.",
            )
        for each in cls.channels:
            if not _NAME.fullmatch(each.name):
                hint = "Use up to 32 lower-case letters, digits, underscores and hyphens."
                yield f"has a channel with the name {each.name!r}.", hint
            yield from _problems_of(each)


def _load(channel: Channel) -> type[AbstractOTPSender]:
    sender = channel.sender
    return import_string(sender) if isinstance(sender, str) else sender


def _problems_of(channel: Channel) -> Iterator[tuple[str, str]]:
    where = f"has the channel {channel.name!r}, whose sender"
    try:
        found = _load(channel)
    except Exception as error:  # noqa: BLE001 - a module of the project may raise any exception
        hint = "Name a class by its dotted path, or the class itself."
        yield f"{where} can't be imported: {error}", hint
        return
    if not isinstance(found, type) or not issubclass(found, AbstractOTPSender):
        yield f"{where} is no sender.", "Name a subclass of AbstractOTPSender."
    elif missing := getattr(found, "__abstractmethods__", ()):
        yield f"{where} is abstract.", f"Define {', '.join(sorted(missing))} in {found.__name__}."
    elif issubclass(found, ChainSender):
        yield f"{where} is a chain.", "Name its channels one by one."
    else:
        yield from ((f"{where} {problem}", hint) for problem, hint in found.problems())
