"""Senders, and the words of messages."""

from __future__ import annotations

import json
import re

from tests.docs.scenarios.steps import (
    EMAIL,
    PHONE,
    code_mails,
    give_app,
    log_in,
    mailed,
    pushed,
    scenario,
    user_known_by,
)


@scenario("senders")
def _push() -> None:
    from mysite import push

    user_known_by(EMAIL)
    log_in(EMAIL, pushed)
    ((to, title, _),) = push.sent
    assert to == EMAIL
    assert title.endswith(" testserver")


@scenario("senders-receiver")
def _other_receiver() -> None:
    from mysite import push

    user = user_known_by(EMAIL)
    log_in(EMAIL, pushed)
    assert push.sent[-1][0] == f"push:{user.pk}"


@scenario("phone", "passwords-phone")
def _sms() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from threading import Thread

    from django.test import override_settings

    user_known_by(PHONE)
    got: list[dict[str, str]] = []

    class Gateway(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Gateway) as gateway:
        Thread(target=gateway.serve_forever, daemon=True).start()
        with override_settings(SMS_GATEWAY=f"http://127.0.0.1:{gateway.server_port}"):
            log_in("07400 123-456", lambda: got[-1]["text"][:6])
        gateway.shutdown()
    code, *_ = got  # what follows tells of the login from a new browser
    assert code["to"] == PHONE
    assert re.fullmatch(
        r"(\d{6}) is your code to log in to My site\. It is valid for 5 minutes\. "
        r"Never pass it on\.\n\n@testserver #\1",
        code["text"],
    )


@scenario("email")
def _email() -> None:
    from django.test import override_settings

    user_known_by(EMAIL)
    log_in(EMAIL, mailed)
    assert code_mails()[-1].subject == "Your code from us"
    with override_settings(
        SWAP_USER={"OTP_SENDER_CLASS": "swap_user.otp.senders.EmailOTPSender", "OTP_ISSUER": "Us"}
    ):
        log_in(EMAIL, mailed)
    message = code_mails()[-1]
    assert message.subject == f"{mailed()} is your code for Us"
    assert message.from_email == "My site <no-reply@example.com>"
    assert "It is good for 5 minutes." in message.body


@scenario("senders-notify")
def _notify() -> None:
    from mysite import push

    user = user_known_by(EMAIL)
    give_app(user)
    to, title, text = push.sent[-1]
    assert (to, title) == (EMAIL, "An authenticator was added to your account")
    assert text.startswith("My site: An app was added to your account.")


@scenario("senders-language")
def _language() -> None:
    from django.utils import timezone, translation
    from mysite.settled_senders import SettledSender

    from swap_user.otp.delivery.owner import Seen, words_of

    for address, language in ((EMAIL, "en-us"), ("user@example.de", "de")):
        with words_of(user_known_by(address), SettledSender(), Seen()):
            assert translation.get_language() == language
            assert timezone.get_current_timezone_name() == "Europe/Berlin"


@scenario("senders-sms", "senders-vonage", "senders-budget")
def _sms_of_a_provider() -> None:
    from unittest.mock import patch
    from urllib.parse import parse_qs

    from swap_user.contrib.sms.base import HTTPSMSSender

    user_known_by(PHONE)
    got: list[str] = []

    def post(self: HTTPSMSSender, receiver: str, text: str) -> None:
        body = self.post_data(receiver, text).decode()
        got.append(json.loads(body)["text"] if body[0] == "{" else parse_qs(body)["Body"][0])

    with patch.object(HTTPSMSSender, "_post", post):
        log_in("07400 123-456", lambda: got[-1][:6])
    assert re.search(r"\n@testserver #\d{6}$", got[0])


@scenario("senders-apprise")
def _apprise() -> None:
    from mysite.senders import TelegramSender

    user = user_known_by(EMAIL)
    got: list[tuple[list[str], str]] = []

    class Service:
        def notify(self, text: str, **kwargs: object) -> bool:
            got.append((TelegramSender().get_urls(user), str.__str__(text)))
            return True

    TelegramSender._service = lambda self, user: Service()
    log_in(EMAIL, lambda: got[-1][1][:6])
    assert got[0][0] == [f"tgram:///{user.pk}"]


@scenario("senders-chain")
def _channels() -> None:
    from django.conf import settings
    from django.test import Client, override_settings
    from mysite import push

    user_known_by(EMAIL)
    client = Client()
    client.post("/admin/login/", {"username": EMAIL})
    assert push.sent[-1][0] == EMAIL
    page = client.get("/admin/check-otp/").content.decode()
    assert re.search(
        r'<button type="submit" name="channel" value="email"[^>]*>Email</button>', page
    )
    with override_settings(SWAP_USER=settings.SWAP_USER | {"OTP_RESEND_INTERVAL": 0}):
        client.post("/admin/resend-otp/", {"channel": "email"})
    assert len(push.sent) == 1
    assert client.post("/admin/check-otp/", {"otp": mailed()}).status_code == 302
