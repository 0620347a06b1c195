"""A chain of channels: the order, what fails, what the visitor asks for, and what is charged."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from swap_user import signals
from swap_user.contrib.chain import ChainSender, Channel
from swap_user.otp import send_code
from swap_user.otp.accounts.address_field import address_field
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.background import lifecycle
from swap_user.otp.connections import inline
from swap_user.otp.delivery import retry
from swap_user.otp.senders import AbstractOTPSender
from swap_user.otp.sessions.reset import lift_limits
from swap_user.otp.throttling import messages
from swap_user.testing import wait_for_deliveries
from tests.otp.delivery.helpers import use_sender
from tests.otp.dispatchers.helpers import PLENTY, use
from tests.support import configure, enter, username, visitor

pytestmark = pytest.mark.django_db

sent: list[tuple[str, str, str]] = []
fails: set[str] = set()
addresses: dict[str, Any] = {}


class Part(AbstractOTPSender):
    """A sender whose channel can fail, or have another address."""

    name = ""

    def get_receiver(self, user: Any) -> str:
        return addresses.get(self.name, super().get_receiver(user))

    def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
        if self.name in fails:
            raise ConnectionError(f"{self.name} is away, {otp}")
        sent.append((self.name, receiver, str.__str__(otp)))

    def notify(self, user: Any, subject: str, text: str) -> None:
        if self.name in fails:
            raise ConnectionError(f"{self.name} is away")
        sent.append((self.name, self.get_receiver(user), "notice"))


class First(Part):
    name = "first"


class Second(Part):
    name = "second"


class Third(Part):
    name = "third"


class Chain(ChainSender):
    """Three channels, one of them by its path."""

    channels = [
        Channel("first", f"{__name__}.First", "First"),
        Channel("second", Second, "Second"),
        Channel("third", Third, "Third"),
    ]


@pytest.fixture(autouse=True)
def _chain(settings: Any) -> None:
    sent.clear()
    fails.clear()
    addresses.clear()
    use_sender(settings, Chain)


def limit_receivers(settings: Any, most: int) -> None:
    limits = {"messages_per_receiver": f"{most}/1d", "newcomers_per_account": "0/90d"}
    configure(settings, OTP_LIMITS=limits)


def names() -> list[str]:
    return [name for name, *_ in sent]


@pytest.mark.parametrize(
    ("channel", "away", "expected"),
    [
        ("", "", "first"),
        ("second", "", "second"),
        ("no such", "", "first"),
        ("", "first", "second"),
        ("", "first second", "third"),
        ("third", "third", "first"),
        ("third", "third first", "second"),
    ],
)
def test_the_channel_that_is_used(user, channel, away, expected):
    """The one that was asked for, then the others in their order; one message, whose code works."""
    fails.update(away.split())
    request = visitor()
    send_code(request, username(), channel=channel)
    ((name, receiver, code),) = sent
    assert (name, receiver) == (expected, username())
    assert enter(request, code) == user


def test_a_channel_without_an_address_is_left_out(user, caplog):
    """Silently, also if the visitor has asked for it."""
    addresses["second"] = ""
    with caplog.at_level(logging.WARNING):
        send_code(visitor(), username(), channel="second")
    assert names() == ["first"]
    assert caplog.messages == []


def test_no_address_at_all(user, caplog):
    """The failure is reported once, and no attempt follows."""
    addresses.update(first="", second="", third="")
    failed: list[str] = []
    note = lambda **kwargs: failed.append(kwargs["error"])  # noqa: E731
    signals.delivery_failed.connect(note)
    try:
        send_code(visitor(), username())
    finally:
        signals.delivery_failed.disconnect(note)
    assert sent == []
    (error,) = failed
    assert "no address for any channel" in error


def test_the_log_names_the_channels_that_fail(user, caplog):
    """The code in the text of an exception is masked. The signal names who has sent it."""
    fails.add("first")
    senders: list[type] = []
    note = lambda sender, **kwargs: senders.append(sender)  # noqa: E731
    signals.code_sent.connect(note)
    try:
        with caplog.at_level(logging.INFO, logger="swap_user.security"):
            send_code(visitor(), username())
    finally:
        signals.code_sent.disconnect(note)
    failed, done = caplog.messages
    assert failed.startswith(f"channel failed: user={user.pk} sender=First error=ConnectionError: ")
    assert "first is away, ****** at" in failed
    assert done == f"code sent: user={user.pk}"
    assert senders == [Second]


@pytest.mark.django_db(transaction=True)
def test_an_attempt_is_the_whole_chain(user, settings, monkeypatch):
    """If all channels fail, there is another attempt with all of them, with the same code."""
    use(settings, dispatcher="Thread")
    use_sender(settings, Chain)
    monkeypatch.setattr(retry, "PAUSE", 0.01)
    monkeypatch.setattr(lifecycle.current(), "delays", (0.0, 0.0))
    tried: list[str] = []

    def send(self: Part, receiver: str, otp: str, **kwargs: Any) -> None:
        tried.append(self.name)
        if len(tried) < 5:
            raise ConnectionError
        sent.append((self.name, receiver, str.__str__(otp)))

    monkeypatch.setattr(Part, "send", send)
    request = visitor()
    send_code(request, username())
    assert wait_for_deliveries(PLENTY)
    assert tried == ["first", "second", "third", "first", "second"]
    assert enter(request, sent[0][2]) == user


def test_no_channel_follows_one_that_has_taken_too_long(user, monkeypatch):
    """The message has been reported as failed meanwhile, see ``Call.expired``."""
    now = [0.0]

    class Slow(Part):
        def send(self, receiver: str, otp: str, **kwargs: Any) -> None:
            now[0] += 31
            raise ConnectionError("slow")

    message = retry.Message(
        user=user,
        send=lambda sender: sender.send("", ""),
        report=lambda error: None,
        language=None,
        expires_at=0,
    )
    monkeypatch.setattr(retry.time, "monotonic", lambda: now[0])
    token = inline.set(False)
    try:
        with pytest.raises(ConnectionError, match="slow"):
            retry._send_by_one_of([Slow(), Second()], message)
    finally:
        inline.reset(token)
    assert sent == []


@pytest.mark.usefixtures("clock")
def test_each_receiver_is_charged_before_it_is_used(user, monkeypatch):
    """Once a message; the account once; a channel that is not reached costs nothing."""
    addresses.update(first="a@example.com", second="b@example.com", third="c@example.com")
    charged: list[str] = []
    charge, account = messages.charge_receiver, []
    monkeypatch.setattr(
        messages,
        "charge_receiver",
        lambda receiver, *args, **kwargs: (
            charged.append(f"{receiver} {len(sent)}"),
            charge(receiver, *args, **kwargs),
        )[1],
    )
    charge_account = messages.charge_account
    monkeypatch.setattr(
        messages,
        "charge_account",
        lambda *args, **kwargs: (account.append(1), charge_account(*args, **kwargs))[1],
    )
    fails.add("first")
    send_code(visitor(), username())
    assert charged == ["a@example.com 0", "b@example.com 0"]
    assert account == [1]


@pytest.mark.requirement("R21")
@pytest.mark.usefixtures("clock")
def test_a_receiver_whose_messages_are_used_up(user, settings):
    """The next channel is used, until its receiver has no message left either."""
    configure(
        settings, OTP_LIMITS={"messages_per_receiver": "2/1d", "newcomers_per_account": "0/90d"}
    )
    addresses.update(first="a@example.com", second="b@example.com", third="")
    for number in range(6):
        send_code(visitor(REMOTE_ADDR=f"198.51.100.{number}"), username())
    assert names() == ["first", "first", "second", "second"]


@pytest.mark.requirement("R21")
@pytest.mark.usefixtures("clock")
def test_channels_are_no_way_around_the_limit_of_an_account(user):
    """Whichever is asked for: as many as with one channel."""
    addresses.update(first="a@example.com", second="b@example.com", third="c@example.com")
    for number in range(60):
        channel = ("first", "second", "third")[number % 3]
        request = visitor(REMOTE_ADDR=f"203.0.113.{number % 2}")
        send_code(request, username(), channel=channel)
    assert len(sent) == 20


@pytest.mark.usefixtures("clock")
def test_a_country_that_is_not_allowed_gets_another_channel(user, settings):
    """By email, for example."""
    configure(settings, OTP_PHONE_PREFIXES=["+44"])
    addresses.update(first="+33123456789", second="b@example.com")
    send_code(visitor(), username())
    assert names() == ["second"]


def test_lifting_limits_lifts_those_of_all_receivers(user, settings, clock):
    """As the owner may need any of them."""
    configure(
        settings, OTP_LIMITS={"messages_per_receiver": "1/1d", "newcomers_per_account": "0/90d"}
    )
    addresses.update(first="a@example.com", second="b@example.com", third="")
    for number in range(3):
        send_code(visitor(REMOTE_ADDR=f"198.51.100.{number}"), username())
    lift_limits(user)
    for number in range(3):
        send_code(visitor(REMOTE_ADDR=f"198.51.100.{number}"), username())
    assert names() == ["first", "second"] * 2


def test_a_job_of_before_has_no_channel(user):
    """A queue may contain one."""
    from swap_user.otp.delivery.send_code_job import CodeJob

    assert CodeJob(username(), None, 1, 6, 1.0, "", None).channel == ""


def test_notices_use_the_chain_too(user):
    """The next channel if one fails; all other rules are the same."""
    fails.add("first")
    addresses["second"] = ""
    generate_recovery_codes(user)
    assert sent == [("third", username(), "notice")]
    Chain().notify(user, "Subject", "text")
    assert sent == [("third", username(), "notice")] * 2
    fails.add("third")
    with pytest.raises(ConnectionError, match="third"):
        Chain().notify(user, "Subject", "text")


@pytest.mark.requirement("R50")
def test_the_first_channel_has_the_address_that_users_change(user):
    """And only it sends the code that confirms it."""
    assert Chain().get_receiver(user) == username()
    assert address_field(user).name == type(user).USERNAME_FIELD
    addresses["first"] = "elsewhere"
    assert Chain().get_receiver(user) == "elsewhere"
    assert address_field(user) is None
    Chain().send("a@example.com", "123456")
    assert sent == [("first", "a@example.com", "123456")]


@pytest.mark.django_db(transaction=True)
@pytest.mark.requirement("R50")
def test_a_change_of_any_address_is_noticed(user, monkeypatch):
    """A code may go to the second one, too. A channel that fails hides no change."""

    def broken(self: Part, user: Any) -> str:
        raise RuntimeError

    changed: list[Any] = []
    note = lambda user, **kwargs: changed.append(user)  # noqa: E731
    monkeypatch.setattr(First, "get_receiver", broken)
    monkeypatch.setattr(Second, "get_receiver", lambda self, user: f"{user.is_staff}@example.com")
    signals.receiver_changed.connect(note)
    try:
        user.save()
        assert changed == []
        user.is_staff = True
        user.save()
    finally:
        signals.receiver_changed.disconnect(note)
    assert changed == [user]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        (Chain.channels, []),
        ([], ["has no channels."]),
        ([*Chain.channels, Channel("first", Third, "")], ["two channels with the name 'first'"]),
        ([Channel("An SMS", First, "")], ["a channel with the name 'An SMS'"]),
        ([Channel("a", "no.such.Sender", "")], ["can't be imported: No module named 'no'"]),
        ([Channel("a", "swap_user.otp.send_code", "")], ["is no sender"]),
        ([Channel("a", AbstractOTPSender, "")], ["is abstract"]),
        ([Channel("a", Chain, "")], ["is a chain"]),
    ],
)
def test_problems(channels, expected):
    """Plain mistakes are reported by `manage.py check`."""
    found = [
        problem for problem, _ in type("Wrong", (ChainSender,), {"channels": channels}).problems()
    ]
    assert len(found) == len(expected)
    for text, problem in zip(expected, found, strict=True):
        assert text in problem
