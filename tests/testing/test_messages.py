"""The outbox: codes, notices, and what it says if there is none."""

import logging
from contextlib import nullcontext, suppress

import pytest
from django.core import mail
from django.utils.module_loading import import_string

import swap_user.testing
from swap_user import signals
from swap_user.otp import send_code
from swap_user.otp.exceptions import LoginUnavailable
from swap_user.otp.masked import Masked
from swap_user.otp.senders import load_sender
from swap_user.testing import outbox, reached
from swap_user.testing.messages import memory_sender
from swap_user.testing.reached import watch
from tests.support import configure, username, visitor

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", swap_user.testing.__all__)
def test_public_names(name):
    """Each can be imported by its path, also from settings, and it is always the same object."""
    assert import_string(f"swap_user.testing.{name}") is getattr(swap_user.testing, name)
    with pytest.raises(AttributeError, match="no attribute 'inbox'"):
        swap_user.testing.inbox  # noqa: B018


def test_codes(user):
    """The last code is at hand, and is plain text, so that a failed assertion shows it."""
    send_code(None, username())
    assert outbox[-1].receiver == username()
    assert outbox[-1].otp.isdecimal()
    assert type(outbox[-1].otp) is str is not Masked
    assert [sent.otp for sent in outbox[:]] == [outbox[0].otp]


def test_notices(user):
    """They are beside the codes, and are also mailed if there is an address."""
    signals.recovery_codes_generated.send(type(user), user=user)
    (notice,) = outbox.notices
    assert outbox == []
    assert notice.user == user
    assert "recovery codes" in notice.text
    assert "\n" not in notice.subject
    has_address = bool(getattr(user, "email", ""))
    assert [message.subject for message in mail.outbox] == [notice.subject] * has_address
    outbox.clear()
    assert outbox.notices == []


def test_no_code(user, settings):
    """The error says which limit was reached, if one was."""
    with pytest.raises(IndexError, match="No code was sent in this process"):
        outbox[-1]
    configure(settings, OTP_LIMITS={"asks_per_address": "1/1h"})
    with watch():
        for _ in range(3):
            send_code(visitor(), username())
        with pytest.raises(IndexError) as caught:
            outbox[1]
    assert str(caught.value) == (
        "1 codes were sent in this process. send limited: no message because of the limit "
        "asks_per_address (2 times)"
    )


@pytest.mark.parametrize("kind", ["no account", "no redis", "not watched", "sign-up"])
def test_no_code_for_another_reason(user, settings, redis_server, kind):
    """An outage, or a username that no account has, is named. Where nothing watches, what would."""
    receiver = username(2)
    if kind == "no redis":
        redis_server.stop()
        receiver = username()
    with nullcontext() if kind == "not watched" else watch():
        if kind == "sign-up":
            reached.audit.record(logging.WARNING, "address code limited", scope="unknown")
        else:
            with suppress(LoginUnavailable):
                send_code(None, receiver)
        with pytest.raises(IndexError) as caught:
            outbox[-1]
    expected = {
        "no account": "code not sent: no active account",
        "no redis": f"login unavailable: {redis_server.url} can't be reached: Error",
        "not watched": "With OTPTestMixin or the pytest plugin of swap_user, this error says why",
        "sign-up": "address code limited: no message because of the limit unknown_messages_per",
    }[kind]
    assert str(caught.value).startswith(f"No code was sent in this process. {expected}")


def test_a_report_of_limits_names_no_other_reason(user):
    """The section of a failed test is about limits."""
    with watch() as found:
        send_code(None, username(2))
    assert found.reasons() == ["code not sent: no active account"]
    assert found.text() == ""


def test_memory_sender(user, settings):
    """Whatever the settings are; other keys stay, and afterwards all is as before."""
    settings.SWAP_USER = {
        "OTP_SENDER_CLASS": "swap_user.otp.senders.StdOutOTPSender",
        "OTP_DISPATCHER": "swap_user.otp.dispatchers.ThreadDispatcher",
        "OTP_DIGITS": 8,
    }
    with memory_sender() as found:
        send_code(None, username())
        assert found is outbox
        assert len(outbox[-1].otp) == 8
    assert type(load_sender()).__name__ == "StdOutOTPSender"
    del settings.SWAP_USER
    with memory_sender():
        send_code(None, username())
    assert len(outbox) == 2
