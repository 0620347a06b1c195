"""The flow of a session: when there is one, and when it gets another one."""

import pytest
from django.test import RequestFactory

from swap_user.otp.visitors import flow
from tests.support import visitor


def test_a_flow_begins_once():
    """The first call stores it in the session, and the next ones return it."""
    request = visitor()
    assert flow.current(request) is None
    begun = flow.begin(request)
    assert begun is not None
    assert flow.begin(request) == flow.current(request) == begun


@pytest.mark.parametrize("request_", [None, RequestFactory().get("/")], ids=["none", "no session"])
def test_no_session_has_no_flow(request_):
    """Nothing begins and nothing is renewed."""
    assert flow.begin(request_) is None
    flow.renew(request_, flow.new_id())
    assert flow.current(request_) is None


@pytest.mark.requirement("R53")
def test_a_flow_is_replaced():
    """A session with a flow gets another one; a session without one gets none."""
    request = visitor()
    before = flow.begin(request)
    flow.replace(request.session)
    assert flow.current(request) not in {None, before}
    new = visitor()
    flow.replace(new.session)
    assert flow.current(new) is None
    assert not new.session.modified


def test_a_login_goes_on_after_an_upgrade():
    """Earlier releases stored the flow under the same name."""
    request = visitor()
    request.session["_swap_user_flow"] = "a" * 22
    assert flow.current(request) == "a" * 22
