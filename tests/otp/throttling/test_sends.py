"""Limits on messages to an account, and on requests of an address: who is charged, what goes on."""

import re

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from swap_user.otp import send_code
from swap_user.otp.background.registry import is_urgent
from swap_user.testing import outbox
from tests.otp.throttling.helpers import DAY, HOUR, from_, known, log_in, sent
from tests.support import ask, configure, make_user, username, visitor

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]


@pytest.mark.requirement("R21")
def test_an_account_is_sent_so_many_codes(user, clock):
    """Twenty a day, and three an hour more to a neighbourhood with other addresses."""
    assert sent(20, first=1) == 20
    assert sent(10, first=100) == 3
    clock.shift(HOUR)
    assert sent(20, first=200) == 3
    clock.shift(DAY - HOUR)
    assert sent(20, first=1) == 20


@pytest.mark.requirement("R19", "R21")
def test_strangers_elsewhere_take_nothing_from_a_newcomer(user, settings, clock):
    """Each neighbourhood has its own few; all of them together have a limit for 90 days."""
    configure(settings, OTP_LIMITS={"newcomers_per_account": "60/90d"})
    assert sent(20, first=1) == 20
    places = [visitor(REMOTE_ADDR=f"{first}.7.0.1") for first in range(11, 90)]
    before = len(outbox)
    for request in places[:59]:
        send_code(request, username())
    assert len(outbox) - before == 59
    assert len(ask(places[60])) == 6
    send_code(places[61], username())
    assert len(outbox) - before == 60
    clock.shift(90 * DAY - 1)
    assert sent(30, first=300) == 20
    clock.shift(DAY)
    assert sent(30, first=300) == 23


@pytest.mark.requirement("R21")
def test_without_an_address_there_is_one_budget(user):
    """An API that passes no request is one stranger, and no newcomer."""
    before = len(outbox)
    for _ in range(30):
        send_code(None, username())
    assert len(outbox) - before == 20


@pytest.mark.requirement("R21")
def test_no_newcomers(user, settings):
    """Zero is none."""
    configure(settings, OTP_LIMITS={"newcomers_per_account": "0/90d"})
    assert sent(30, first=1) == 20


@pytest.mark.requirement("R19", "R21")
def test_known_browsers_are_not_held_back(user):
    """Strangers have used up all; the owner's own browser gets its codes, forty a day."""
    cookie = log_in(from_(0))
    sent(200, first=1)
    before = len(outbox)
    for number in range(50):
        send_code(known(cookie, number), username())
    assert len(outbox) - before == 40


@pytest.mark.requirement("R21")
def test_known_browsers_take_nothing_from_strangers(user):
    """The other way round."""
    cookie = log_in(from_(0))
    for number in range(40):
        ask(known(cookie, number))
    assert sent(20, first=1) == 19 + 1  # the login was one of the twenty; one is a newcomer's


@pytest.mark.requirement("R21")
def test_an_address_asks_so_many_times(settings, clock):
    """So many an hour, for whatever names; a hundred unless it is set."""
    configure(settings, OTP_LIMITS={"asks_per_address": "30/1h"})
    for number in range(40):
        make_user(number)
    count = sum(sent(1, name=username(number), address="198.51.100.1") for number in range(40))
    assert count == 30
    clock.shift(HOUR)
    assert sent(1, name=username(39), address="198.51.100.1") == 1


@pytest.mark.requirement("R19", "R47")
def test_a_known_browser_is_not_its_address(user, settings, caplog):
    """Strangers behind the same address use up what it has; the browser has a limit of its own."""
    configure(
        settings,
        OTP_LIMITS={"asks_per_address": "3/1h", "known_messages_per_account": "50/1d"}
        | {"known_messages_per_receiver": "100/1d"},
    )
    cookie = log_in(from_(0))
    assert sent(5, name=username(77), address="203.0.113.0") == 0
    assert sent(1, address="203.0.113.0") == 0
    before = len(outbox)
    for _ in range(50):
        send_code(known(cookie, 0), username())
    assert len(outbox) - before == 50
    caplog.clear()
    send_code(known(cookie, 0), username())
    assert len(outbox) - before == 50
    assert "scope=address" in caplog.text


@pytest.mark.requirement("R19", "R21")
@pytest.mark.parametrize("most", [0, 3])
def test_a_known_browser_without_messages_of_its_own_is_a_stranger(user, settings, most):
    """A thief with its cookie has used them up, or there are none: it has those of strangers."""
    configure(settings, OTP_LIMITS={"known_messages_per_account": f"{most}/1d"})
    cookie = log_in(from_(0))  # one of the twenty
    for number in range(most):
        ask(known(cookie, 500 + number))
    before = len(outbox)
    for number in range(30):
        send_code(known(cookie, number), username())
    assert len(outbox) - before == 19 + 3  # three for newcomers in this neighbourhood
    counts = dict(user.otp_message_counts.values_list("budget", "count"))
    assert counts.get("known_messages_per_account", 0) == most
    assert counts["messages_per_account"] == 20


@pytest.mark.requirement("R47")
def test_a_known_browser_without_requests_of_its_own_is_charged_to_its_address(
    settings, user, monkeypatch
):
    """As any stranger, so that it can't ask without end; and its job is no urgent one."""
    configure(
        settings,
        OTP_LIMITS={"known_messages_per_account": "2/1d", "asks_per_address": "3/1h"},
    )
    cookie, urgent = log_in(from_(0)), []
    monkeypatch.setattr(
        "swap_user.otp.delivery.request.dispatch",
        lambda job, **kwargs: urgent.append(is_urgent(job, (), kwargs)),
    )
    for _ in range(10):
        send_code(known(cookie, 7), username())
    assert urgent == [True] * 2 + [False] * 3


@pytest.mark.requirement("R21")
def test_a_whole_48_asks_ten_times_as_often(settings):
    """IPv6: a /64 counts as one address, and a /48 has ten times its limit."""
    configure(settings, OTP_LIMITS={"asks_per_address": "2/1h", "messages_per_account": "100/1d"})
    configure(
        settings, OTP_LIMITS=settings.SWAP_USER["OTP_LIMITS"] | {"messages_per_receiver": "100/1d"}
    )
    make_user()
    assert sent(3, address="2001:db8::1") == 2
    assert sent(1, address="2001:db8::2") == 0
    assert sum(sent(1, address=f"2001:db8:0:{number:x}::1") for number in range(1, 20)) == 18
    assert sent(1, address="2001:db8:1::1") == 1


@pytest.mark.requirement("R45", "R21")
def test_a_clear_refills_no_messages_of_an_account(user, settings):
    """Neither those of known browsers nor those of strangers; test_newcomers has the others."""
    configure(settings, OTP_LIMITS={"newcomers_per_account": "0/90d"})
    cookie = log_in(from_(0))
    sent(19, first=1)
    for number in range(40):
        ask(known(cookie, number))
    cache.clear()
    before = len(outbox)
    for number in range(5):
        send_code(known(cookie, number), username())
        send_code(None, username())
    assert len(outbox) == before


@pytest.mark.requirement("R21", "R32")
def test_the_limited_answer_looks_the_same(user):
    """Status, body, headers and cookies, but for what is random."""
    answers, messages = [], []
    for _ in range(2):
        client, before = Client(REMOTE_ADDR="203.0.113.9"), len(outbox)
        response = client.post(reverse("admin:login"), {"username": username()}, follow=True)
        messages.append(len(outbox) - before)
        headers = {k: v for k, v in response.items() if k not in {"Expires", "Last-Modified"}}
        answers.append(
            (
                response.redirect_chain,
                response.status_code,
                headers,
                sorted(client.cookies),
                _without_tokens(response.content),
            )
        )
        sent(60, first=1)
    assert messages == [1, 0]
    assert answers[0] == answers[1]


def _without_tokens(body):
    return re.sub(rb'name="csrfmiddlewaretoken" value="\w+"', b"", body)
