"""The odd names, codes and flows of the tests of the pages, sent to the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import signing

from swap_user.api.flows import _salt
from swap_user.otp.visitors import code_request
from swap_user.testing import outbox
from tests.api.clients import AppClient
from tests.api.promises.conftest import code
from tests.otp.pages.login.helpers import ODD_TEXTS
from tests.otp.pages.login.test_odd_inputs import NO_CODES, NO_REQUESTS, NO_USERNAMES

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", [*NO_USERNAMES, *ODD_TEXTS], ids=lambda name: repr(name)[:24])
def test_odd_usernames(new_client: Any, name: str) -> None:
    """An error at the member, or the answer as for any name."""
    for send in ("code/", "session/"):
        client = new_client().start()
        members = client.client_members() if hasattr(client, "client_members") else {}
        otp = {} if send == "code/" else {"otp": "123456"}
        response = client.post(send, username=name, **otp, **members)
        if name in NO_USERNAMES:
            assert response.status_code == 400
        if response.status_code == 400:
            found = response.json()
            too_large = len(name) > 16_000
            assert found["code"] == ("malformed" if too_large else "invalid")
            assert too_large or [each["pointer"] for each in found["errors"]] == ["#/username"]
        else:
            assert response.status_code == (202 if send == "code/" else 401)
    assert outbox == []


@pytest.mark.parametrize("otp", [*NO_CODES, *ODD_TEXTS], ids=lambda otp: repr(otp)[:24])
def test_odd_codes(api: Any, user: Any, otp: str) -> None:
    """An odd text is a wrong code, or none, and the right code still works."""
    right = code(api)
    response = api.enter(otp)
    assert response.status_code in {400, 401}
    assert api.get("session/").status_code == 401 if not hasattr(api, "token") else not api.token
    assert api.enter(right).status_code == 200


@pytest.mark.parametrize("value", NO_REQUESTS, ids=str)
def test_flow_with_unexpected_content(user: Any, value: Any) -> None:
    """One that another version of this package has signed: the app asks again."""
    data = {code_request.SESSION_KEY: value, "_swap_user_flow": value}
    app = AppClient(flow=signing.dumps(data, salt=_salt()))
    assert app.enter("123456").status_code == 401
    assert app.enter(code(app)).status_code == 200


@pytest.mark.parametrize("data", [None, [], "x", 1, [["a", 1]], {"_auth_user_id": "1"}])
def test_signed_text_that_is_no_flow(user: Any, data: Any) -> None:
    """Signed by this site, with the salt of a flow. It never logs a user in."""
    app = AppClient(flow=signing.dumps(data, salt=_salt()))
    response = app.ask()
    assert (response.status_code, response.json()["code"]) == (401, "flow_ended")
    assert not app.token
