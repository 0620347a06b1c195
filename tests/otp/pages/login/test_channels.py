"""The page for the code offers the other channels of the sender: the same to every visitor."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client

from swap_user.contrib.chain import ChainSender, Channel
from swap_user.testing import MemoryOTPSender, outbox
from tests.otp.delivery.helpers import use_sender
from tests.otp.pages.login.helpers import CHECK, NOBODY, RESEND, ask, enter, logged_in, words
from tests.support import username

pytestmark = pytest.mark.usefixtures("clock")


class SMS(MemoryOTPSender):
    """The default."""


class Email(MemoryOTPSender):
    """Another one, to another address."""

    def get_receiver(self, user: Any) -> str:
        return f"{user.pk}@example.com"


class Chain(ChainSender):
    """What a project writes."""

    channels = [Channel("sms", SMS, "SMS"), Channel("email", Email, "E-mail <us>")]


@pytest.fixture
def chain(settings: Any) -> None:
    """A sender with two channels."""
    use_sender(settings, Chain)


def buttons(client: Client) -> list[str]:
    page = client.get(CHECK).content.decode()
    return re.findall(r'<button type="submit" name="channel"[^>]*>[^<]*</button>', page)


def test_one_channel_is_no_choice(client):
    """The page is as ever."""
    ask(client)
    assert buttons(client) == []
    assert "another way" not in words(client.get(CHECK))


@pytest.mark.requirement("R32")
@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize("number", [1, NOBODY])
def test_the_others_are_offered_for_every_name(client, number):
    """Whether or not there is such an account."""
    ask(client, username(number))
    (button,) = buttons(client)
    assert 'value="email"' in button
    assert ">E-mail &lt;us&gt;<" in button
    page = client.get(CHECK).content.decode()
    assert page.index('id="resend-form"') < page.index(button)
    assert "Send it another way:" in words(client.get(CHECK))


@pytest.mark.usefixtures("chain")
@pytest.mark.parametrize(
    ("channel", "is_email"), [("email", True), ("sms", False), ("fax", False), ("", False)]
)
def test_the_visitor_asks_for_another_channel(client, clock, staff, channel, is_email):
    """The code comes by it, and works. A name that no channel has is ignored."""
    ask(client)
    assert outbox[-1].receiver == username()
    clock.shift(30)
    assert client.post(RESEND, {"channel": channel}).status_code == 302
    assert len(outbox) == 2
    assert outbox[-1].receiver == (f"{staff.pk}@example.com" if is_email else username())
    enter(client, outbox[-1].otp)
    assert logged_in(client)


@pytest.mark.usefixtures("chain")
def test_the_pause_is_the_same(client):
    """Another channel is another message."""
    ask(client)
    client.post(RESEND, {"channel": "email"})
    assert len(outbox) == 1
    assert "You can ask for another code in" in words(client.get(CHECK))
