"""Several requests at the same moment: a double submit, and two visitors with one address."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections
from django.test import Client

from swap_user.models import AddressChange
from swap_user.testing import log_in, outbox, wait_for_deliveries
from tests.otp.pages.addresses.test_sign_up import SIGN_UP, users
from tests.otp.pages.addresses.test_undo import change, stored
from tests.support import configure, make_user, send_mail_to, username

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.requirement("R50")]

CHANGE = "/account/change-username/"


@pytest.fixture(autouse=True)
def _on_the_own_pages(settings: Any) -> None:
    configure(settings, OTP_SIGN_UP=True)
    settings.ALLOWED_HOSTS = ["testserver"]


def at_once(*requests: Callable[[], Any]) -> list[Any]:
    """Make requests in a thread each, and return the answers in the same order."""
    barrier = threading.Barrier(len(requests))
    answers: list[Any] = [None] * len(requests)

    def run(index: int) -> None:
        barrier.wait()
        try:
            answers[index] = requests[index]()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[index]) for index in range(len(requests))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert None not in answers
    return answers


def copy_of(client: Client) -> Client:
    """The same browser, for another request at the same time."""
    other = Client(raise_request_exception=False)
    other.cookies["sessionid"] = client.cookies["sessionid"].value
    return other


def ask(client: Client, path: str, number: int) -> str:
    client.post(path, {"username": username(number)})
    return outbox[-1].otp


def test_a_change_is_confirmed_several_times():
    """It is made once, the owner gets one notice, and one session stays logged in."""
    user, client = make_user(), Client()
    log_in(client, user)
    code = ask(client, CHANGE, 2)
    browsers = [copy_of(client) for _ in range(5)]
    answers = at_once(*(lambda each=each: each.post(CHANGE, {"otp": code}) for each in browsers))
    found = sorted(answer.status_code for answer in answers)
    assert found.count(302) >= 1
    assert set(found) <= {200, 302}
    assert stored(user) == username(2)
    assert AddressChange.objects.count() == 1
    events = [notice.kwargs.get("event") for notice in outbox.notices]
    assert events.count("receiver_changed") == 1
    inside = [each for each in browsers if each.get(CHANGE).status_code == 200]
    assert len(inside) == 1


def test_a_sign_up_is_confirmed_several_times():
    """One account, and one browser is logged in."""
    client = Client()
    code = ask(client, SIGN_UP, 1)
    browsers = [copy_of(client) for _ in range(5)]
    answers = at_once(*(lambda each=each: each.post(SIGN_UP, {"otp": code}) for each in browsers))
    assert {answer.status_code for answer in answers} <= {200, 302}
    assert users().count() == 1
    inside = [each for each in browsers if "_auth_user_id" in each.session]
    assert len(inside) == 1


def test_two_sign_ups_with_one_address():
    """Both visitors have a right code. One account is created."""
    browsers = [Client(raise_request_exception=False) for _ in range(3)]
    codes = [ask(each, SIGN_UP, 1) for each in browsers]
    pairs = zip(browsers, codes, strict=True)
    answers = at_once(
        *(lambda each=each, code=code: each.post(SIGN_UP, {"otp": code}) for each, code in pairs)
    )
    assert {answer.status_code for answer in answers} == {302}
    assert users().count() == 1
    assert sum("_auth_user_id" in each.session for each in browsers) == 1


def test_two_users_want_one_address():
    """One of them gets it. The other one keeps their own, and no change is stored for them."""
    owners, browsers, codes = [], [], []
    for number in (1, 2):
        owners.append(make_user(number))
        browsers.append(Client(raise_request_exception=False))
        log_in(browsers[-1], owners[-1])
        codes.append(ask(browsers[-1], CHANGE, 3))
    pairs = zip(browsers, codes, strict=True)
    answers = at_once(
        *(lambda each=each, code=code: each.post(CHANGE, {"otp": code}) for each, code in pairs)
    )
    assert sorted(answer.status_code for answer in answers) == [200, 302]
    assert sorted(map(stored, owners)).count(username(3)) == 1
    assert AddressChange.objects.count() == 1


def test_a_change_is_undone_several_times():
    """Once is enough, and nothing fails."""
    user, client = make_user(is_staff=True), Client()
    log_in(client, user)
    link = change(client)
    browsers = [Client(raise_request_exception=False) for _ in range(4)]
    answers = at_once(*(lambda each=each: each.post(link) for each in browsers))
    assert {answer.status_code for answer in answers} <= {200, 404}
    assert stored(user) == username(1)
    assert not AddressChange.objects.exists()


@pytest.mark.user_model("email as username")
def test_by_mail_from_a_thread(settings, smtp_server):
    """With ATOMIC_REQUESTS, a thread that sends, and a mail server: both pages, and the link."""
    configure(
        settings,
        OTP_SENDER_CLASS="swap_user.otp.senders.EmailOTPSender",
        OTP_DISPATCHER="swap_user.otp.dispatchers.ThreadDispatcher",
    )
    send_mail_to(settings, smtp_server)
    client = Client()
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(connections["default"].settings_dict, "ATOMIC_REQUESTS", True)
        client.post(SIGN_UP, {"username": username(1)})
        client.post(SIGN_UP, {"otp": last_mail(smtp_server, r"\b(\d{8})\b")})
        user = users().get()
        client.post(CHANGE, {"username": username(2)})
        client.post(CHANGE, {"otp": last_mail(smtp_server, r"\b(\d{8})\b")})
        assert stored(user) == username(2)
        link = last_mail(smtp_server, r"http://testserver(/\S+token=\S+)")
        assert Client().post(link).status_code == 200
    assert stored(user) == username(1)
    wait_for_deliveries()


def last_mail(server: Any, pattern: str) -> str:
    """Return what a pattern finds in the text of the last mail."""
    wait_for_deliveries()
    text = server.messages[-1].get_body(("plain",)).get_content()
    (found,) = re.findall(pattern, text)
    return str(found)
