"""The visitor chooses how the code is sent, with the same offer for every name."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.testing import outbox
from tests.otp.delivery.helpers import use_sender
from tests.otp.pages.login.test_channels import Chain
from tests.support import username

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

CHANNELS = {"sms": "SMS", "email": "E-mail <us>"}


@pytest.fixture
def chain(settings: Any) -> None:
    """A sender with two channels."""
    use_sender(settings, Chain)


@pytest.mark.usefixtures("chain")
@pytest.mark.requirement("R32")
@pytest.mark.parametrize("number", [1, 2])
def test_channels_are_offered_for_every_name(api: Any, user: Any, number: int) -> None:
    assert api.ask(username(number)).json()["channels"] == CHANNELS


@pytest.mark.usefixtures("chain")
def test_code_goes_by_the_channel(api: Any, user: Any) -> None:
    api.post("code/", username=username(), channel="email", **client_members(api))
    assert outbox[-1].receiver == f"{user.pk}@example.com"
    assert api.enter(outbox[-1].otp).status_code == 200


@pytest.mark.usefixtures("chain")
def test_no_such_channel(api: Any, user: Any) -> None:
    answer = api.post("code/", username=username(), channel="pigeon", **client_members(api))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"] == "#/channel"
    assert not outbox


def test_one_channel_is_no_choice(api: Any, user: Any) -> None:
    assert "channels" not in api.ask().json()


def client_members(api: Any) -> dict[str, str]:
    """Return who the client is, for an app."""
    return api.client_members() if hasattr(api, "client_members") else {}
