"""A budget in money: what each SMS costs, where sending stops, and who is signalled."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from swap_user import signals
from swap_user.contrib.sms.base import SMSNotSent
from swap_user.contrib.sms.budget import BudgetMixin
from swap_user.otp import send_code
from swap_user.otp.authenticators.recovery_codes import generate_recovery_codes
from swap_user.otp.delivery.retry import Withheld
from swap_user.otp.delivery.segments import parts
from swap_user.otp.senders import AbstractSMSOTPSender, email_address
from tests.otp.delivery.helpers import use_sender
from tests.otp.throttling.helpers import DAY, from_, known, log_in
from tests.support import configure, make_user, username, visitor

sent: list[tuple[str, str]] = []
fails: list[Exception] = []


class Gateway(AbstractSMSOTPSender):
    """Notes each SMS, or fails."""

    def send_text(self, receiver: str, text: str) -> None:
        if fails:
            raise fails[0]
        sent.append((receiver, text))


class Sender(BudgetMixin, Gateway):
    """Ten SMS to Germany in a day."""

    prices = {"+49": "0.1", "+491511": "0.2", "+1": 0.0079}
    limit_per_day = "1.00"


class Monthly(Sender):
    """The month ends before the day does."""

    limit_per_month = "0.30"


@pytest.fixture(autouse=True)
def _nothing_sent() -> None:
    sent.clear()
    fails.clear()


@pytest.fixture
def signalled() -> Any:
    """The signals that were sent: name, budget and period."""
    noted: list[tuple[str, str, str]] = []
    low = lambda **kwargs: noted.append(("low", kwargs["budget"], kwargs["period"]))  # noqa: E731
    spent = lambda **kwargs: noted.append(("spent", kwargs["budget"], kwargs["period"]))  # noqa: E731
    signals.send_budget_low.connect(low)
    signals.send_budget_spent.connect(spent)
    yield noted
    signals.send_budget_low.disconnect(low)
    signals.send_budget_spent.disconnect(spent)


def send(times: int, number: str = "+4930123456", sender: type[Any] = Sender, **kwargs: Any) -> int:
    """Send a code so many times, and return how many were sent."""
    before = len(sent)
    for _ in range(times):
        try:
            sender().send(number, "123456", expires_in=60, site_name="", host="", **kwargs)
        except Withheld:
            continue
    return len(sent) - before


@pytest.mark.parametrize(
    ("number", "price"),
    [("+4930123456", "0.1"), ("+491511234567", "0.2"), ("+15550006789", "0.0079"), ("+33", None)],
)
def test_the_longest_prefix_gives_the_price(number, price):
    """No price for other numbers."""
    found = Sender().price_of(number)
    assert (None if found is None else str(found)) == price


def test_strangers_stop_at_four_fifths(signalled):
    """The rest is for known browsers. One signal each."""
    assert send(20) == 8
    assert signalled == [("low", "sms", "day")]
    assert send(20, is_known=True) == 2
    assert signalled == [("low", "sms", "day"), ("spent", "sms", "day")]


def test_what_a_message_costs(clock):
    """Twice as much to another prefix; a long text is several SMS; nothing is rounded down."""
    assert send(20, "+491511234567") == 4
    clock.shift(DAY)
    two = "ü" * 160 + "ж"
    assert parts(two) == 3
    for _ in range(20):
        try:
            Sender().send_text("+4930123456", two)
        except Withheld:
            break
    assert len(sent) == 4 + 2
    clock.shift(DAY)
    assert send(200, "+15550006789") == 0.8 / 0.0079 // 1


def test_a_day_and_a_month(clock, signalled):
    """Both limits count, and each ends."""
    assert send(20, sender=Monthly) == 2
    assert signalled == [("low", "sms", "month")]
    clock.shift(DAY)
    assert send(20, sender=Monthly) == 0
    clock.shift(29 * DAY)
    assert send(20, sender=Monthly) == 2


def test_signals_once_an_hour(clock, signalled, caplog):
    """And a line of the log each; what is withheld has a line every time."""
    with caplog.at_level(logging.WARNING, logger="swap_user.security"):
        send(12, is_known=True)
        clock.shift(3599)
        send(2)
        assert signalled == [("low", "sms", "day"), ("spent", "sms", "day")]
        clock.shift(2)
        send(1)
    assert signalled[2:] == [("spent", "sms", "day")]
    lines = [record.getMessage() for record in caplog.records]
    assert lines.count("sms budget low: budget=sms period=day") == 1
    assert lines.count("sms budget spent: budget=sms period=day") == 2
    withheld = "sms withheld: budget=sms reason=budget of the day is spent"
    assert lines.count(withheld) == 5


def test_no_price_no_sms(caplog):
    """A country without a price is refused, unless there is a default."""
    with caplog.at_level(logging.WARNING, logger="swap_user.security"):
        assert send(1, "+33123456789") == 0
    assert caplog.messages == ["sms withheld: budget=sms reason=no price for this prefix"]

    class Default(Sender):
        default_price = "0.4"

    assert send(5, "+33123456789", Default) == 2


def test_what_the_provider_refuses_costs_nothing():
    """But a time-out may have cost something."""
    fails.append(SMSNotSent("Gateway", "status 400", status=400))
    for _ in range(30):
        with pytest.raises(SMSNotSent):
            Sender().send_text("+4930123456", "text")
    fails[0] = SMSNotSent("Gateway", "no answer")
    for _ in range(5):
        with pytest.raises(SMSNotSent):
            Sender().send_text("+4930123456", "text")
    fails.clear()
    assert send(20) == 3


def test_budgets_have_names():
    """Two senders share one, or not."""

    class Other(Sender):
        budget_name = "other"

    class Same(Sender):
        pass

    assert send(20) == 8
    assert send(20, sender=Other) == 8
    assert send(20, sender=Same) == 0


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("clock")
@pytest.mark.user_model("phone as username")
def test_a_known_browser_gets_a_code_when_strangers_get_none(settings):
    """The job says who has asked. A notice may use the reserve too, and is charged."""
    user = make_user()
    cookie = log_in(from_(1))
    use_sender(settings, Cheap)
    for number in range(2, 12):
        make_user(number)
        send_code(visitor(), username(number))
    strangers = len(sent)
    assert strangers == 4
    send_code(known(cookie), username())
    assert len(sent) == strangers + 1
    generate_recovery_codes(user)
    assert len(sent) == strangers + 1 + (not email_address(user))


class Cheap(Sender):
    """Room for four strangers; for known browsers, one or two messages are left."""

    prices = {"+": "0.2"}
    limit_per_day = "1.20"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, ""),
        ({"prices": {"+49": "cheap"}}, "prices['+49'] = 'cheap'"),
        ({"prices": {"+49": "NaN"}}, "prices['+49'] = 'NaN'"),
        ({"prices": {"+49": -1}}, "prices['+49'] = -1"),
        ({"prices": {"+49": True}}, "prices['+49'] = True"),
        ({"limit_per_day": "1e99"}, "limit_per_day = '1e99'"),
        ({"default_price": []}, "default_price = []"),
        ({"limit_per_day": None}, "a budget without a limit"),
        ({"prices": {"+1": 1}}, "no price for +49"),
        ({"prices": {"+4915": 1}}, ""),
        ({"prices": {"+4": 1}}, ""),
    ],
)
def test_problems(settings, attributes, expected):
    """Plain mistakes are reported by `manage.py check`."""
    configure(settings, OTP_PHONE_PREFIXES=["+49"])
    found = [problem for problem, _ in type("Wrong", (Sender,), attributes).problems()]
    assert len(found) == bool(expected)
    assert expected in "".join(found)


def test_the_mixin_in_the_wrong_place():
    """It would charge nothing."""
    wrong = [
        type("After", (Gateway, BudgetMixin), {"limit_per_day": 1}),
        type("Own", (BudgetMixin,), {"limit_per_day": 1, "send_text": Gateway.send_text}),
    ]
    for sender in wrong:
        ((problem, hint),) = sender.problems()
        assert "wrong place" in problem
        assert "before" in hint
