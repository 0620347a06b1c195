"""The edges of the budgets of messages, one by one."""

import pytest

from swap_user.models import MessageCount
from swap_user.otp.throttling import messages
from swap_user.otp.visitors.visitor import Origin
from tests.support import NOW, configure, make_user

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 86_400
NOWHERE = Origin()


def charged(user, origin=NOWHERE, *, is_known=False, now=NOW):
    account_key = f"account {user.pk}"
    return bool(messages.charge_account(user, account_key, origin, is_known=is_known, now=now))


def origins(number):
    """Return networks, each in a neighbourhood of its own."""
    return [Origin(f"network {each}", f"neighbourhood {each}") for each in range(number)]


@pytest.mark.requirement("R21")
def test_a_period_of_an_account(user, settings):
    """It begins with its first message, and its last second is part of it."""
    configure(settings, OTP_LIMITS={"messages_per_account": "2/1d"})
    assert [charged(user, now=NOW + each) for each in (0, 5, 6)] == [True, True, False]
    assert not charged(user, now=NOW + DAY - 1)
    assert [charged(user, now=NOW + DAY + each) for each in (0, 1, 2)] == [True, True, False]
    row = MessageCount.objects.get(user_id=user.pk)
    assert (row.count, row.since) == (2, NOW + DAY)


@pytest.mark.requirement("R21")
def test_accounts_and_browsers_are_counted_apart(user, settings):
    """Known browsers have a budget of their own, and then that of strangers."""
    other = make_user(2)
    configure(
        settings,
        OTP_LIMITS={"messages_per_account": "1/1d", "known_messages_per_account": "2/1d"},
    )
    assert [charged(user), charged(user), charged(other)] == [True, False, True]
    assert [charged(user, is_known=True) for _ in range(3)] == [True, True, False]
    (one,) = origins(1)
    assert [charged(user, one, is_known=True) for _ in range(2)] == [True, False]


@pytest.mark.requirement("R21")
def test_the_limit_that_a_message_is_charged_to(user, settings):
    """It decides what its receiver is charged."""
    configure(
        settings,
        OTP_LIMITS={"messages_per_account": "1/1d", "known_messages_per_account": "1/1d"},
    )
    (one,) = origins(1)

    def limit():
        return messages.charge_account(user, "account", one, is_known=True, now=NOW)

    assert [limit() for _ in range(4)] == [
        "known_messages_per_account",
        "messages_per_account",
        "newcomers_per_account",
        "",
    ]


@pytest.mark.requirement("R21")
def test_newcomers(user, settings, shared_redis):
    """Each network once, all of them so many, and only when the usual messages are used up."""
    configure(
        settings, OTP_LIMITS={"messages_per_account": "1/1d", "newcomers_per_account": "2/90d"}
    )
    one, two, three = origins(3)
    assert charged(user, one)
    assert not charged(user, NOWHERE)
    assert [charged(user, each) for each in (one, one, two, three)] == [True, False, True, False]
    assert not MessageCount.objects.filter(budget=three.network).exists()
    later = NOW + 90 * DAY
    shared_redis.flush()  # what it holds has ended long before
    assert charged(user, now=later)
    assert [charged(user, each, now=later) for each in (one, three, two)] == [True, True, False]
    kept = {row.budget for row in MessageCount.objects.filter(user_id=user.pk)}
    assert kept == {"messages_per_account", "newcomers_per_account", one.network, three.network}


@pytest.mark.requirement("R21")
def test_newcomers_of_another_account(user, settings):
    """They take nothing: a network may ask for each account, and each account has its own limit."""
    configure(
        settings, OTP_LIMITS={"messages_per_account": "1/1d", "newcomers_per_account": "1/90d"}
    )
    other, (one, two) = make_user(2), origins(2)
    assert [charged(other, each) for each in (one, one, two)] == [True, True, False]
    assert [charged(user, each) for each in (one, one, two)] == [True, True, False]


@pytest.mark.requirement("R21")
@pytest.mark.parametrize(("before", "is_newcomer"), [(0, True), (1, True), (2, False)])
def test_a_network_that_has_had_messages_today(user, settings, before, is_newcomer):
    """It is no newcomer: two of the usual messages of a day went there."""
    configure(settings, OTP_LIMITS={"messages_per_account": "2/1d"})
    one, other = origins(2)
    for origin in [one] * before + [other] * (2 - before):
        assert charged(user, origin)
    assert charged(user, one) is is_newcomer


@pytest.mark.requirement("R21")
def test_a_network_waits_for_its_whole_period(user, settings, shared_redis):
    """A second less is not enough."""
    configure(settings, OTP_LIMITS={"messages_per_account": "1/1d"})
    (one,) = origins(1)
    assert [charged(user, one), charged(user, one)] == [True, True]
    for now, has_room in [(NOW + 90 * DAY - 1, False), (NOW + 90 * DAY, True)]:
        shared_redis.flush()
        charged(user, now=now)  # the usual one of the day
        assert charged(user, one, now=now) is has_room


@pytest.mark.requirement("R21")
def test_a_neighbourhood_that_has_had_enough(user, settings):
    """Its other networks get no message, and are not counted as if they had."""
    configure(
        settings,
        OTP_LIMITS={"messages_per_account": "1/1d", "newcomers_per_neighbourhood": "1/1h"},
    )
    assert charged(user)
    assert charged(user, Origin("one", "near"))
    assert not charged(user, Origin("two", "near"))
    assert not MessageCount.objects.filter(budget="two").exists()
    assert charged(user, Origin("three", "far"))


def test_what_an_operator_lifts(user):
    """What strangers have asked for; known browsers and other accounts are left as they are."""
    other, (one,) = make_user(2), origins(1)
    for each in (user, other):
        charged(each)
        charged(each, is_known=True)
    MessageCount.objects.create(user_id=user.pk, budget=one.network, count=1, since=NOW)
    messages.forget(user)
    assert [row.budget for row in MessageCount.objects.filter(user_id=user.pk)] == [
        "known_messages_per_account"
    ]
    assert MessageCount.objects.filter(user_id=other.pk).count() == 2


def test_a_network_where_the_user_has_logged_in(user):
    """It is new again, and no other."""
    other, (one, two) = make_user(2), origins(2)
    for each in (user, other):
        for origin in (one, two):
            MessageCount.objects.create(user_id=each.pk, budget=origin.network, count=1, since=NOW)
    messages.forget_network(user, NOWHERE)
    messages.forget_network(user, one)
    assert [row.budget for row in MessageCount.objects.filter(user_id=user.pk)] == [two.network]
    assert MessageCount.objects.filter(user_id=other.pk).count() == 2


@pytest.mark.requirement("R47")
def test_why_a_message_is_not_sent(settings):
    """The log says which limit it was."""

    def reached(receiver, **kwargs):
        return messages.charge_receiver(receiver, NOWHERE, **{"is_known": False} | kwargs)

    assert reached("+33123456789") == ""
    configure(
        settings,
        OTP_PHONE_PREFIXES=["+49"],
        OTP_LIMITS={"messages_per_receiver": "1/1d", "messages_per_site": "5/1d"},
    )
    assert reached("+33123456789") == "country"
    assert [reached("+4915112345678"), reached("+4915112345678")] == ["", "receiver"]
    assert [reached(f"{each}@example.com") for each in range(4)] == ["", "", "", "site"]
    assert [reached("a@example.com", is_known=True) for _ in range(2)] == ["", "site"]


@pytest.mark.requirement("R47")
def test_limits_of_a_receiver_that_an_operator_lifts(settings):
    """Those of strangers, and of this receiver alone."""
    configure(
        settings,
        OTP_LIMITS={"messages_per_receiver": "1/1d", "known_messages_per_receiver": "1/1d"},
    )

    def room(receiver, **kwargs):
        return messages.charge_receiver(receiver, NOWHERE, **{"is_known": False} | kwargs) == ""

    for receiver in ("a@example.com", "b@example.com"):
        assert [room(receiver), room(receiver)] == [True, False]
    assert [room("a@example.com", is_known=True) for _ in range(2)] == [True, False]
    assert room("b@example.com", is_known=True)
    messages.forget_receiver("a@example.com")
    assert [room("a@example.com"), room("b@example.com")] == [True, False]
    assert not room("a@example.com", is_known=True)


def test_a_notice_that_is_postponed(user):
    """It may come a day later, and not earlier; messages are counted as before."""
    other = make_user(2)
    assert charged(user)
    for each in (user, other):
        assert messages.charge_exhausted(each, now=NOW)
    messages.postpone_exhausted(user)
    assert not messages.charge_exhausted(user, now=NOW + DAY - 1)
    assert messages.charge_exhausted(user, now=NOW + DAY)
    assert not messages.charge_exhausted(other, now=NOW + DAY)
    assert MessageCount.objects.get(budget="messages_per_account").since == NOW
    names = set(MessageCount.objects.values_list("budget", flat=True))
    assert names == {"messages_per_account", "guesses_exhausted"}  # as in stored rows


@pytest.mark.parametrize(
    "none", [{"messages_per_account": "0/1d"}, {"newcomers_per_account": "0/90d"}]
)
def test_a_limit_of_none(user, settings, none):
    """0 means that no such message is sent."""
    limits = {"messages_per_account": "1/1d", "newcomers_per_account": "1/90d"}
    configure(settings, OTP_LIMITS=limits | none)
    assert [charged(user, each) for each in origins(3)] == [True, False, False]


def test_a_network_that_asks_twice_at_once(user, settings, monkeypatch):
    """It gets one extra message: the other request may store its own in between."""
    configure(settings, OTP_LIMITS={"messages_per_account": "0/1d"})
    (one,) = origins(1)
    charge = messages._CHARGE

    def charged_meanwhile(*args, **options):
        MessageCount.objects.create(user_id=user.pk, budget=one.network, count=1, since=NOW)
        return charge(*args, **options)

    monkeypatch.setattr(messages, "_CHARGE", charged_meanwhile)
    assert not charged(user, one)
