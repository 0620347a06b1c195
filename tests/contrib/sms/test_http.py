"""What both providers have in common: HTTPS, time limits, redirects, and nothing in tracebacks."""

import base64
import json
import logging
import traceback

import pytest

from swap_user.contrib.sms.base import SMSNotSent, is_refusal
from swap_user.contrib.sms.vonage import VonageSender
from swap_user.otp import send_code
from swap_user.otp.masked import Masked
from swap_user.otp.senders import email_address
from tests.contrib.sms.conftest import TOKEN
from tests.otp.delivery.helpers import use_sender
from tests.support import enter, make_user, username, visitor

NUMBER, CODE = "+447400123456", "918273"


@pytest.mark.django_db
@pytest.mark.requirement("R25")
def test_a_login(vonage, provider, settings):
    """The message of a request has the last line that binds the code to the site."""
    globals()["Sender"] = type(vonage)
    type(vonage).__module__, type(vonage).__qualname__ = __name__, "Sender"
    use_sender(settings, type(vonage))
    user, request = make_user(), visitor(HTTP_HOST="shop.example")
    send_code(request, username())
    text = json.loads(provider.received[0].body)["text"]
    *words, last = text.split("\n")
    assert last.startswith("@shop.example #")
    assert words[0].startswith(last[-6:])
    assert enter(request, last[-6:]) == user


@pytest.mark.django_db
def test_notices_go_by_sms(vonage, provider):
    """To owners without an email address."""
    user = make_user()
    vonage.notify(user, "Subject", "A long text", short_text="A short text", event="code_used")
    texts = [json.loads(each.body)["text"] for each in provider.received]
    assert texts == ([] if email_address(user) else ["A short text"])


@pytest.mark.parametrize(
    "answer",
    [b"", b"not JSON", b"[]", b'"text"', b"{}", b'{"type": null}', b'{"type": ["a"]}', b"\xff",
     json.dumps({"type": f"https://x/{NUMBER}"}).encode(),
     json.dumps({"type": f"https://x/{CODE}"}).encode(),
     json.dumps({"type": "https://x/" + "a" * 100}).encode(),
     json.dumps({"type": "https://x/a\nb"}).encode()],
)  # fmt: skip
def test_an_unusual_answer(vonage, provider, answer):
    """The status alone is in the text."""
    provider.answer = (503, {}, answer)
    with pytest.raises(SMSNotSent) as raised:
        vonage.send_text(NUMBER, CODE)
    assert str(raised.value) in {
        "VonageSender: status 503",
        "VonageSender: status 503, error None",
    }
    assert raised.value.status == 503


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(vonage, provider, plain_provider, status):
    """Neither to another host nor to plain HTTP."""
    provider.answer = (status, {"Location": f"{plain_provider.url}/elsewhere"}, b"")
    with pytest.raises(SMSNotSent, match=f"status {status}"):
        vonage.send_text(NUMBER, CODE)
    assert plain_provider.received == []
    assert len(provider.received) == 1


def test_plain_http_is_refused(plain_provider):
    """Nothing is sent."""

    class Plain(VonageSender):
        api_key, api_secret, from_number = "abcd1234", TOKEN, "My site"
        url = plain_provider.url

    with pytest.raises(ValueError, match="https"):
        Plain().send_text(NUMBER, CODE)
    assert plain_provider.received == []


def test_an_unknown_certificate_is_refused(vonage, provider, monkeypatch):
    """Nothing is sent."""
    monkeypatch.setattr(type(vonage), "ssl_context", VonageSender.ssl_context)
    with pytest.raises(SMSNotSent, match="CERTIFICATE_VERIFY_FAILED") as raised:
        vonage.send_text(NUMBER, CODE)
    assert provider.received == []
    assert not is_refusal(raised.value)


def test_a_provider_that_keeps_silent(vonage, provider):
    """The call ends. The message may have been sent."""
    provider.is_silent, vonage.timeout = True, 0.2
    with pytest.raises(SMSNotSent, match="timed out") as raised:
        vonage.send_text(NUMBER, CODE)
    assert raised.value.status is None
    assert not is_refusal(raised.value)


@pytest.mark.requirement("R54")
@pytest.mark.parametrize("failure", ["refused", "silent", "away"])
@pytest.mark.parametrize("name", ["twilio", "vonage"])
def test_no_traceback_shows_credentials_or_the_code(
    request, provider, caplog, name, failure, monkeypatch
):
    """Local variables of all frames, the chain of exceptions, and every log."""
    sender = request.getfixturevalue(name)
    if failure == "refused":
        provider.answer = (400, {}, f'{{"code": 1, "message": "{CODE}"}}'.encode())
    elif failure == "silent":
        provider.is_silent, sender.timeout = True, 0.2
    else:
        monkeypatch.setattr(type(sender), "url", "https://127.0.0.1:1/v1")
    with caplog.at_level(logging.DEBUG), pytest.raises(SMSNotSent) as raised:
        sender.send(NUMBER, Masked(CODE), expires_in=300, site_name="", host="shop.example")
    assert raised.value.__cause__ is None
    assert raised.value.__context__ is None
    error = raised.value.with_traceback(raised.tb.tb_next)  # without the frame of this test
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    text = "".join(shown.format()) + caplog.text + repr(sender) + repr(raised.value)
    (name, password) = sender.credentials
    for secret in (CODE, password, base64.b64encode(f"{name}:{password}".encode()).decode()):
        assert secret not in text
    assert "send_text" in text


def test_which_errors_are_refusals():
    """Only an answer of the provider that says that the request was wrong."""
    for status, expected in [(400, True), (401, True), (408, False), (429, True), (500, False)]:
        assert is_refusal(SMSNotSent("A", "b", status=status)) is expected
    assert not is_refusal(SMSNotSent("A", "b"))
    assert not is_refusal(ValueError())
