"""SMS through Vonage: what its API gets, and its errors."""

import base64
import json

import pytest

from swap_user.contrib.sms.base import SMSNotSent
from swap_user.contrib.sms.vonage import VonageSender
from tests.contrib.sms.conftest import TOKEN

NUMBER = "+447400123456"


def test_the_url_is_that_of_the_documentation():
    """The host too, which the other tests replace."""
    assert VonageSender.url == "https://api.nexmo.com/v1/messages"


def test_the_request(vonage, provider):
    """Method, path, authentication, headers and body; the number has no plus sign."""
    provider.answer = (202, {}, b'{"message_uuid": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"}')
    vonage.send_text(NUMBER, "123456 – ünïcödé\n\n@shop.example #123456")
    (request,) = provider.received
    assert (request.method, request.path) == ("POST", "/v1/messages")
    assert request.headers["content-type"] == "application/json"
    assert request.headers["accept"] == "application/json"
    kind, _, pair = request.headers["authorization"].partition(" ")
    assert (kind, base64.b64decode(pair).decode()) == ("Basic", f"abcd1234:{TOKEN}")
    assert json.loads(request.body) == {
        "message_type": "text",
        "channel": "sms",
        "to": "447400123456",
        "from": "My site",
        "text": "123456 – ünïcödé\n\n@shop.example #123456",
    }


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("https://developer.vonage.com/api-errors#unauthorized", "unauthorized"),
        ("https://developer.vonage.com/api-errors/messages#1120", "1120"),
        ("https://developer.vonage.com/api-errors/low-balance/", "low-balance"),
    ],
)
def test_an_error_of_the_api(vonage, provider, kind, code):
    """It is in the problem details."""
    problem = {"type": kind, "title": "No", "detail": f"to {NUMBER}", "instance": "bf0ca0bf"}
    provider.answer = (
        422,
        {"Content-Type": "application/problem+json"},
        json.dumps(problem).encode(),
    )
    with pytest.raises(SMSNotSent) as raised:
        vonage.send_text(NUMBER, "123456")
    assert str(raised.value) == f"VonageSender: status 422, error {code}"
