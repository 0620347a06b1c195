"""SMS through Twilio: what its API gets, byte by byte, and its errors."""

import base64
import json
from urllib.parse import parse_qsl

import pytest

from swap_user.contrib.sms.base import SMSNotSent
from swap_user.contrib.sms.twilio import TwilioSender
from tests.contrib.sms.conftest import ACCOUNT, TOKEN

NUMBER = "+447400123456"


def test_the_url_is_that_of_the_documentation():
    """The host too, which the other tests replace."""

    class Sender(TwilioSender):
        account_sid, auth_token, from_number = ACCOUNT, TOKEN, "+15550006789"

    expected = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert Sender().url == expected


def test_the_request(twilio, provider):
    """Method, path, authentication, headers and body; a message in another script too."""
    provider.answer = (201, {}, b'{"sid": "SM1", "status": "queued", "error_code": null}')
    twilio.send_text(NUMBER, "123456 ist dein Code & ünïcödé\n\n@shop.example #123456")
    (request,) = provider.received
    assert request.method == "POST"
    assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    kind, _, pair = request.headers["authorization"].partition(" ")
    assert (kind, base64.b64decode(pair).decode()) == ("Basic", f"{ACCOUNT}:{TOKEN}")
    assert parse_qsl(request.body.decode(), strict_parsing=True) == [
        ("To", NUMBER),
        ("From", "+15550006789"),
        ("Body", "123456 ist dein Code & ünïcödé\n\n@shop.example #123456"),
    ]


def test_an_api_key_and_a_messaging_service(twilio, provider):
    """The key has a name of its own; the account stays in the path."""
    sender = type(twilio)
    sender.api_key, sender.from_number = "SK" + "1" * 32, "MG" + "2" * 32
    twilio.send_text(NUMBER, "text")
    (request,) = provider.received
    pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
    assert pair == f"{'SK' + '1' * 32}:{TOKEN}"
    assert ACCOUNT in request.path
    assert dict(parse_qsl(request.body.decode()))["MessagingServiceSid"] == "MG" + "2" * 32


@pytest.mark.parametrize("status", [400, 401, 429, 500])
def test_an_error_of_the_api(twilio, provider, status):
    """Its status and its number are in the text; the phone number that Twilio repeats is not."""
    error = {
        "code": 21211,
        "message": f"The 'To' number {NUMBER} is not a valid phone number.",
        "more_info": "https://www.twilio.com/docs/errors/21211",
        "status": status,
    }
    provider.answer = (status, {}, json.dumps(error).encode())
    with pytest.raises(SMSNotSent) as raised:
        twilio.send_text(NUMBER, "123456")
    assert str(raised.value) == f"TwilioSender: status {status}, error 21211"
    assert (raised.value.status, raised.value.code) == (status, "21211")
