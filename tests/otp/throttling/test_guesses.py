"""Limits on guessing: which account or address is charged, and what goes on."""

import logging

import pytest
from django.core.management import call_command
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from swap_user.otp import limited, remember_browser
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.visitors.known_browsers import COOKIE
from swap_user.signals import guesses_exhausted, login_limited
from tests.otp.throttling.helpers import DAY, HOUR, from_, guess
from tests.support import (
    NOW,
    ask,
    configure,
    enter,
    give,
    make_user,
    spellings,
    totp,
    username,
    visitor,
)

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("clock"),
]


@pytest.mark.requirement("R16")
def test_all_strangers_share_one_budget(user, door):
    """Twenty clients at twenty addresses: sixteen guesses, and then no short code counts."""
    assert guess(20) == 16
    request = from_(1)
    assert door(request, totp(NOW)) is None
    assert limited(request).scope == "account"


@pytest.mark.requirement("R16", "R32")
def test_names_that_nobody_has_are_limited_alike():
    """What is counted is the name."""
    assert guess(20, name=username(77)) == 16


def test_a_name_in_another_form_is_the_same_account(user):
    """Writing it otherwise buys no second budget."""
    assert guess(20) == 16
    assert guess(5, name=spellings()[0]) == 0


@pytest.mark.requirement("R19")
def test_what_goes_on(user):
    """A longer sent code, a recovery code, and a browser that has logged in before."""
    home = visitor()
    response = HttpResponse()
    assert enter(home, ask(home)) == user
    remember_browser(home, response)
    recovery_code = generate_recovery_codes(user)[0]
    guess(20)

    new = from_(1)
    code = ask(new)
    assert len(code) == 10
    assert enter(new, code) == user
    assert enter(from_(2), recovery_code) == user
    home = visitor()
    home.COOKIES[COOKIE] = response.cookies[COOKIE].value
    assert len(ask(home)) == 6
    assert enter(home, totp(NOW)) == user


@pytest.mark.requirement("R18")
def test_nothing_refills_it(user, clock):
    """Neither a new code, nor a login, nor an hour; only the 365 days since each guess."""
    assert guess(10) == 10
    new = from_(1)
    assert enter(new, ask(new)) == user
    clock.shift(2 * HOUR)
    ask(from_(2))
    assert guess(10, first=2000) == 6
    clock.shift(364 * DAY)
    assert guess(5, first=3000) == 0
    clock.shift(DAY)
    assert guess(20, first=4000) == 16


def test_a_right_code_costs_nothing(user, clock):
    """Its own charge is given back: logins never use up what guesses may."""
    for _ in range(30):
        clock.shift(30)
        assert enter(from_(1), totp(NOW + 30 * (_ + 1))) == user
    assert guess(20) == 16


def test_a_double_click_costs_nothing(user):
    """The code is right, though used: that is not a guess."""
    code = totp(NOW)
    assert enter(from_(1), code) == user
    for _ in range(30):
        assert enter(from_(1), code) is None
    assert guess(20) == 16


def test_a_guess_at_more_codes_weighs_more(user):
    """With ten codes of a counter right at once, four guesses are as good as sixteen were."""
    give(user, "hotp", secret="A" * 32)
    assert guess(20) == 64 // 13


def test_codes_of_eight_digits_weigh_no_less_than_usual(user):
    """What is charged before the check can't know."""
    assert guess(20, code="00000000") == 16


def test_an_account_with_very_many_codes_has_one_guess(user, settings):
    """However much it weighs: the first attempt is never limited."""
    configure(settings, OTP_LIMITS={"guesses_per_account": 1})
    for number in range(3):
        give(user, secret="ABC"[number] * 32)
    for _ in range(2):
        assert enter(from_(_), totp(NOW)) == (None if _ else user)
    assert guess(5) == 1


def test_an_address_has_a_budget_for_all_accounts(clock):
    """A hundred an hour; longer codes and recovery codes go on, and so do other addresses."""
    user = make_user(500)
    recovery_code = generate_recovery_codes(user)[0]
    for number in range(100):
        request = visitor(REMOTE_ADDR="198.51.100.1")
        enter(request, "000000", username(number))
        assert limited(request) is None
    request = visitor(REMOTE_ADDR="198.51.100.1")
    enter(request, "000000", username(101))
    assert (limited(request).scope, limited(request).retry_in) == ("address", HOUR)
    code = ask(request, username(500))
    assert len(code) == 10
    assert enter(request, code, username(500)) == user
    assert enter(request, recovery_code, username(500)) == user
    assert guess(1, name=username(101)) == 1
    clock.shift(HOUR)
    enter(request, "000000", username(101))
    assert limited(request) is None


def test_an_address_is_not_kept_from_its_own_by_another_of_its_64(user):
    """IPv6: a /64 is one address."""
    for number in range(101):
        request = visitor(REMOTE_ADDR=f"2001:db8::{number + 1:x}")
        enter(request, "000000", username(number))
    assert limited(request).scope == "address"


def test_a_whole_48_has_a_budget_too():
    """A thousand an hour: its 65,536 addresses cost nothing."""
    for number in range(1000):
        request = visitor(REMOTE_ADDR=f"2001:db8:7:{number:x}::1")
        enter(request, "000000", username(number % 100))
        assert limited(request) is None
    request = visitor(REMOTE_ADDR="2001:db8:7:ffff::1")
    enter(request, "000000", username(500))
    assert limited(request).scope == "address"
    request = visitor(REMOTE_ADDR="2001:db8:8::1")
    enter(request, "000000", username(500))
    assert limited(request) is None


def test_wider_windows_tell_nobody_who_has_an_app(user, settings):
    """A name without an account is limited after as many guesses."""
    configure(settings, OTP_PAST_STEPS=3, OTP_FUTURE_STEPS=3)
    assert guess(20) == guess(20, name=username(77)) == 64 // 8


def test_a_long_code_takes_few_tries(user, clock):
    """Five an hour in one session, whether or not a new code is sent."""
    guess(20)
    mine = from_(1)
    ask(mine)
    for _ in range(5):
        assert enter(mine, "0000000000") is None
        assert limited(mine) is None
    code = ask(mine)
    assert enter(mine, code) is None
    assert limited(mine).scope == "code"
    assert not limited(mine).longer
    clock.shift(HOUR)
    assert enter(mine, ask(mine)) == user


def test_a_clock_set_back_gives_nobody_more(user, clock):
    """Guesses from the future still count."""
    guess(20)
    clock.shift(-30 * DAY)
    assert guess(5, first=3000) == 0


def test_a_limit_is_logged_and_signalled(user, caplog):
    """With the scope and the time, without the name."""
    seen = []

    def receiver(sender, **kwargs):
        kwargs.pop("signal")
        seen.append(kwargs)

    login_limited.connect(receiver)
    try:
        with caplog.at_level(logging.WARNING, "swap_user.security"):
            guess(17)
    finally:
        login_limited.disconnect(receiver)
    (kwargs,) = seen
    assert kwargs["scope"] == "account"
    assert kwargs["retry_in"] == 365 * DAY
    (record,) = [each for each in caplog.records if each.event == "login limited"]
    assert record.account == kwargs["account"]
    assert username() not in caplog.text


def test_the_owner_is_told_once(user, notices):
    """When the last guess of the strangers is spent, and not with every one after it."""
    seen = []

    def receiver(sender, user, **kwargs):
        seen.append(user)

    guesses_exhausted.connect(receiver)
    try:
        guess(30)
    finally:
        guesses_exhausted.disconnect(receiver)
    assert seen == [user]
    ((told, text),) = notices
    assert told == user
    assert "Many wrong codes were tried" in text


def test_the_page_says_when_to_come_back(user):
    """In words, the same for a name without an account."""
    answers = []
    for name in (username(), username(77)):
        guess(20, name=name)
        client = Client(REMOTE_ADDR="203.0.113.99")
        client.post(reverse("admin:login"), {"username": name})
        response = client.post(reverse("admin:check-otp"), {"otp": "000000"})
        assert response.status_code == 200
        answers.append(response.context["form"].errors["otp"])
    assert "ask for a new one, which will be longer" in answers[0][0]
    assert "work here again in 365 days" in answers[0][0]
    assert answers[0] == answers[1]


def test_limits_are_lifted_alone(user, capsys):
    """By an operator, who leaves everything else as it is."""
    guess(20)
    call_command("reset_otp", username(), "--limits-only")
    assert "limits lifted" in capsys.readouterr().out
    assert user.otp_authenticators.count() == 1
    assert guess(20, first=3000) == 16
