"""Each budget in Redis: how much, for how long, and who shares it."""

from dataclasses import replace

import pytest

from swap_user.otp.throttling import budgets
from swap_user.otp.visitors.known_browsers import Browser
from swap_user.otp.visitors.visitor import Origin, Visitor
from tests.support import configure

HOUR, DAY = 3600, 86_400

BY_STRANGERS = {"is_known": False, "has_reserve": False}
RESERVED = {"is_known": True, "has_reserve": True}

HERE = Visitor(flow="flow", address="198.51.100.1")
IPV6 = Visitor(flow="flow", address="2001:db8:1:2::")
UNKNOWN = Visitor(flow="flow")


def known(account="account", name="one"):
    """Return a visitor whose browser says that it is known for the account."""
    return replace(HERE, browser=Browser(name, [account]))


def rooms(found):
    """Return the limit, the period and the scope of each budget."""
    return [(each.limit, each.window, each.scope) for each in found]


def keys(found):
    return [each.key for each in found]


@pytest.mark.requirement("R19")
def test_an_address():
    """A hundred guesses an hour; a /64 of IPv6 shares ten times as many with its /48."""
    assert rooms(budgets.guesses_by_address(HERE)) == [(100, HOUR, "address")]
    assert rooms(budgets.guesses_by_address(IPV6)) == [
        (100, HOUR, "address"),
        (1000, HOUR, "address"),
    ]
    assert budgets.guess_brake(HERE) == []


@pytest.mark.requirement("R56")
def test_an_unknown_address():
    """A hundred times as many for all of them together, which is a brake and no refusal."""
    assert budgets.guesses_by_address(UNKNOWN) == []
    (brake,) = budgets.guess_brake(UNKNOWN)
    assert (brake.limit, brake.window) == (100 * 100, HOUR)
    (asks,) = budgets.asks_by_address(UNKNOWN)
    assert asks.limit == 100 * budgets.asks_by_address(HERE)[0].limit
    assert asks.key != brake.key


@pytest.mark.requirement("R19")
def test_who_shares_the_budget_of_an_address():
    """Nobody elsewhere; guesses and requests are counted apart, and so is a whole /48."""
    there = replace(HERE, address="198.51.100.2")
    near = replace(IPV6, address="2001:db8:1:3::")
    far = replace(IPV6, address="2001:db8:2:2::")
    one, other = keys(budgets.guesses_by_address(IPV6)), keys(budgets.guesses_by_address(near))
    assert one[0] != other[0]
    assert one[1] == other[1] != keys(budgets.guesses_by_address(far))[1]
    assert keys(budgets.guesses_by_address(HERE)) != keys(budgets.guesses_by_address(there))
    assert keys(budgets.guesses_by_address(HERE)) != keys(budgets.asks_by_address(HERE))
    assert not {*one} & {*keys(budgets.asks_by_address(IPV6))}


@pytest.mark.requirement("R21")
def test_a_known_browser_asks_by_itself(settings):
    """Forty times an hour for each account that it is known for; elsewhere it is a stranger."""
    asks = budgets.asks_of_browser
    assert rooms(asks("account", known())) == [(40, HOUR, "browser")]
    assert keys(asks("account", known())) != keys(asks("account", known(name="2")))
    assert keys(asks("a", known("a"))) != keys(asks("b", known("b")))
    assert asks("other", known()) == asks("account", HERE) == []
    configure(settings, OTP_LIMITS={"known_messages_per_account": 0})
    assert asks("account", known()) == []


def test_the_tries_of_a_flow():
    """Five in ten minutes, for each flow and each account."""
    one, other = Visitor(flow="f"), Visitor(flow="g")
    assert rooms(budgets.tries_of("account", one)) == [(5, 600, "code")]
    assert keys(budgets.tries_of("a", one)) == [budgets.flow_tries_key("a", "f")]
    assert len({budgets.tries_key(a, each) for a in "ab" for each in (one, other)}) == 4


def test_the_tries_of_visitors_without_a_flow():
    """Those of a network, or of a known browser, have as many together; unknown ones no limit."""
    assert budgets.tries_of("account", Visitor()) == []
    here, browser = replace(HERE, flow=None), replace(known(), flow=None)
    found = [here, Visitor(address="203.0.113.8"), browser, replace(known(name="2"), flow=None)]
    assert [rooms(budgets.tries_of("account", each)) for each in found] == [[(5, 600, "code")]] * 4
    assert len({budgets.tries_key(a, each) for a in ("account", "b") for each in found}) == 6
    assert budgets.tries_key("b", browser) == budgets.tries_key("b", here)


def test_names_of_1_0_0a1_are_not_used_again():
    """They may still be lists, as which the alpha kept them for an hour."""
    origin = Origin("net", "near")
    found = [budgets.network("account", origin), budgets.neighbourhood("account", origin)]
    names = [*keys(found), budgets.flow_tries_key("account", "flow")]
    assert not [name for name in names if ":newcomers:" in name or ":tries:" in name]


@pytest.mark.requirement("R47")
def test_a_receiver():
    """Twenty messages a day, then those for newcomers, two a day for each network."""
    choices = budgets.messages_to("a@example.com", Origin("net", "near"), **BY_STRANGERS)
    usual, newcomers = choices
    assert rooms(usual) == [(20, DAY, "receiver")]
    network, neighbourhood, everywhere = newcomers
    assert (network.limit, network.window) == (2, DAY)
    assert neighbourhood.window == HOUR
    assert (everywhere.limit, everywhere.window) == (1250, 90 * DAY)
    assert len({*keys(usual), *keys(newcomers)}) == 4
    unknown = budgets.messages_to("a@example.com", Origin(), **BY_STRANGERS)
    assert unknown == [usual]


@pytest.mark.requirement("R47")
def test_a_receiver_and_known_browsers():
    """Forty a day, apart from those of strangers."""
    ((known_room,),) = budgets.messages_to("a@example.com", Origin("net", "near"), **RESERVED)
    assert (known_room.limit, known_room.window) == (40, DAY)
    strangers = budgets.messages_to("a@example.com", Origin("net", "near"), **BY_STRANGERS)
    assert known_room.key not in [key for choice in strangers for key in keys(choice)]


@pytest.mark.requirement("R47")
def test_who_shares_the_budgets_of_a_receiver():
    """No other receiver; and each network has its own two messages."""

    def of(receiver, network, neighbourhood="near"):
        found = budgets.messages_to(receiver, Origin(network, neighbourhood), **BY_STRANGERS)
        return [key for choice in found for key in keys(choice)]

    assert set(of("a@example.com", "net")).isdisjoint(of("b@example.com", "net"))
    one, other = of("a@example.com", "net"), of("a@example.com", "other")
    assert [left == right for left, right in zip(one, other, strict=True)] == [
        True,
        False,
        True,
        True,
    ]
    assert of("a@example.com", "net", "far")[2] != one[2]
    assert set(budgets.receiver_keys("a@example.com")) == {one[0], one[3]}


def test_the_site(settings):
    """A fifth of its messages is left to known browsers and notices; all share one budget."""
    configure(settings, OTP_LIMITS={"messages_per_site": "100/1d"})
    strangers = budgets.messages_to("a@example.com", Origin(), **BY_STRANGERS)[0][-1]
    known_ones = budgets.messages_to("b@example.com", Origin(), **RESERVED)[0][-1]
    assert (strangers.limit, strangers.window, strangers.scope) == (80, DAY, "site")
    assert (known_ones.limit, known_ones.window, known_ones.scope) == (100, DAY, "site")
    assert strangers.key == known_ones.key
    caused = budgets.messages_to("a@example.com", Origin(), is_known=True, has_reserve=False)
    assert caused[0][-1] == strangers
    newcomers = budgets.messages_to("a@example.com", Origin("n", "m"), **BY_STRANGERS)[1]
    assert newcomers[-1] == strangers
