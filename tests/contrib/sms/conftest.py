"""Senders that trust the provider of the test, and that send to it."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from swap_user.contrib.sms.twilio import TwilioSender
from swap_user.contrib.sms.vonage import VonageSender
from tests.contrib.provider import Provider

ACCOUNT, TOKEN = "AC" + "0" * 32, "a token that is secret"

Make = Callable[..., Any]


@pytest.fixture
def here(certificate: Path, provider: Provider) -> Make:
    """Return a function that makes a sender class, with its provider on this machine."""

    def make(base: type[Any], **attributes: Any) -> Any:
        class Here(base):
            @property
            def url(self) -> str:
                real = super().url if isinstance(base.url, property) else base.url
                scheme, _, path = real.removeprefix("https://").partition("/")
                assert real == f"https://{scheme}/{path}"
                return f"{provider.url}/{path}"

            def ssl_context(self) -> ssl.SSLContext:
                return ssl.create_default_context(cafile=certificate)

        for name, value in attributes.items():
            setattr(Here, name, value)
        Here.__name__ = base.__name__
        return Here

    return make


@pytest.fixture
def twilio(here: Make) -> Any:
    """A sender of Twilio."""
    return here(TwilioSender, account_sid=ACCOUNT, auth_token=TOKEN, from_number="+15550006789")()


@pytest.fixture
def vonage(here: Make) -> Any:
    """A sender of Vonage."""
    return here(VonageSender, api_key="abcd1234", api_secret=TOKEN, from_number="My site")()
