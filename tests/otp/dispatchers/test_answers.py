"""What a sender does or fails to do does not change the visitor's answer (R34)."""

import asyncio
import re

import pytest
from django.test import Client

from services.smtp import SMTPServer
from swap_user.otp.background import lifecycle
from swap_user.otp.store import keys
from swap_user.testing import MemoryOTPSender, outbox, wait_for_deliveries
from tests.otp.dispatchers.helpers import PLENTY, Told, use, what_is_seen
from tests.support import send_mail_to, username


@pytest.mark.requirement("R34")
@pytest.mark.parametrize(
    "sender", ["RaisingSender", "HangingSender", "FlakySender", "LeavingSender", "Missing"]
)
def test_no_sender_changes_what_the_visitor_sees(user, settings, sender, shared_redis):
    """Status, body, headers and cookies are those of a sender that works."""
    usual = what_is_seen()
    assert wait_for_deliveries(PLENTY)
    assert len(outbox) == 1
    shared_redis.flush()
    Told.failures_left = 100
    use(settings, sender)
    assert what_is_seen() == usual
    if sender == "HangingSender":
        assert Told.began.wait(PLENTY)
        assert what_is_seen() == usual
        assert len(outbox) == 1  # both answers came before the sender was done
        Told.release.set()
        assert wait_for_deliveries(PLENTY)
        assert len(outbox) == 3


class SlowSMTPServer(SMTPServer):
    """Takes two seconds to take a mail, and longer until it may."""

    may = False

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        await asyncio.sleep(2)
        while not self.may:  # noqa: ASYNC110 - another thread says so
            await asyncio.sleep(0.01)
        return await super().handle_DATA(server, session, envelope)


@pytest.mark.user_model("email address")
@pytest.mark.requirement("R34")
@pytest.mark.filterwarnings("ignore:.*MAILERS")
def test_a_slow_mail_server_is_not_waited_for(user, settings):
    """The answer comes before the mail has gone, and the mail arrives."""
    use(settings, OTP_SENDER_CLASS="swap_user.otp.senders.EmailOTPSender")
    with SlowSMTPServer() as smtp:
        send_mail_to(settings, smtp)
        client = Client()
        assert client.post("/admin/login/", {"username": username()}).status_code == 302
        assert not smtp.messages
        smtp.may = True
        (message,) = smtp.wait_for(1)
        assert wait_for_deliveries(PLENTY)
    text = message.get_body(["plain"]).get_content()
    code = re.search(r"\b(\d{6})\b", text)[1]
    assert client.post("/admin/check-otp/", {"otp": code}).status_code == 302
    assert client.session["_auth_user_id"] == str(user.pk)


def test_a_full_queue_is_not_the_visitors_problem(user, settings, caplog, told, monkeypatch):
    """The page is as always; the log and a signal say that a message was dropped."""
    account = keys.account_key(username())
    usual = what_is_seen()
    monkeypatch.setattr(lifecycle.current(), "capacity", 0)
    assert what_is_seen() == usual
    line = f"job dropped: job=send_code account={account} reason=the queue is full"
    assert line in caplog.messages
    assert ("failed", MemoryOTPSender, None, "the queue is full") in told
