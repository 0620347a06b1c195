"""What is known about a visitor: where the request came from, and whether a flow begins."""

import pytest

from swap_user.otp.visitors.visitor import Origin, Visitor
from swap_user.otp.visitors.visitor import visitor as visitor_of
from tests.support import visitor


def test_a_visitor_without_an_address_has_no_origin():
    """Both parts are empty, so that such visitors do not share a network."""
    origin = Visitor().origin
    assert (origin.network, origin.neighbourhood) == ("", "")


@pytest.mark.parametrize(
    ("one", "other", "has_same_network", "has_same_neighbourhood"),
    [
        ("203.0.113.7", "203.0.113.7", True, True),
        ("203.0.113.7", "203.0.113.8", False, True),
        ("203.0.113.7", "203.1.113.7", False, False),
        ("2001:db8:1:2::/64", "2001:db8:1:3::/64", True, True),
        ("2001:db8:1:2::/64", "2001:db8:2:2::/64", False, True),
    ],
)
def test_the_origin_of_a_request(one, other, has_same_network, has_same_neighbourhood):
    """The network of the subscriber and that of the provider, as hashes."""
    first, second = (Visitor(address=address).origin for address in (one, other))
    assert (first.network == second.network) is has_same_network
    assert (first.neighbourhood == second.neighbourhood) is has_same_neighbourhood
    assert first != Origin()
    assert one not in first.network + first.neighbourhood


def test_a_flow_begins_only_if_it_is_asked_for():
    """A request for a code begins one, and a check does not."""
    request = visitor()
    assert visitor_of(request).flow is None
    assert not request.session.modified
    begun = visitor_of(request, begin=True).flow
    assert begun is not None
    assert visitor_of(request).flow == begun
