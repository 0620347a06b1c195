"""The work for a name does not depend on whether it has an account (R33), and what it costs."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from swap_user.otp import policies
from tests.api.clients import AppClient, BrowserClient
from tests.api.promises.conftest import look
from tests.api.promises.test_nothing_to_learn import login_with
from tests.support import IDENTIFYING, configure, use_policy, username
from tests.system.probing import (
    ACCOUNTS,
    WRONG,
    named,
    never_asked,
    through_the_api,
    usual,
    with_app,
)
from tests.work import RecordingDispatcher, observed

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.requirement("R32", "R33"),
]

NOBODY = 500
KINDS = [BrowserClient, AppClient]


@pytest.fixture(autouse=True)
def _warm(clock: Any, settings: Any) -> None:
    """Connections are open and scripts loaded; jobs wait, so that only requests are counted."""
    RecordingDispatcher.waiting.clear()
    configure(settings, OTP_DISPATCHER="tests.work.RecordingDispatcher")
    usual(900)
    for kind in KINDS:
        for number in (900, NOBODY - 1):
            through_the_api(number, WRONG, kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("policy", ["AuthenticatorOnceEnrolled", "Both"])
@pytest.mark.parametrize("make", [with_app, never_asked])
def test_whatever_the_policy(settings: Any, policy: str, make: Any, kind: Any) -> None:
    """Also where a user gets no sent code, needs two codes, or a password first."""
    use_policy(settings, policy)
    make(101)
    assert through_the_api(101, WRONG, kind) == through_the_api(NOBODY, WRONG, kind)


@pytest.mark.user_model("password")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("make", ACCOUNTS)
def test_wrong_passwords(settings: Any, make: Any, kind: Any) -> None:
    """Of every kind of account, and of none."""
    use_policy(settings, "Both")
    assert policies.load_policy().asks_password()
    make(101)
    user = get_user_model().objects.get(**named(101))
    user.set_password("correct horse")
    user.save()
    answers = []
    for number in (NOBODY - 1, 101, NOBODY):
        client = kind().start()
        with observed() as work:
            response = login_with(client, "wrong", username(number))
        answers.append((look(response, username(number)), work))
    assert answers[1] == answers[2]
    assert answers[1][0]["status"] == 401


def test_what_an_app_costs() -> None:
    """Until the login nothing is stored for it: its code costs what it costs from Python."""
    usual(101)
    (_, asking), (_, entering), (_, repeated), (_, again) = through_the_api(101, WRONG, AppClient)
    assert (asking.queries, asking.commands, asking.jobs) == ([], ["EVALSHA"], ["deliver_code"])
    # Before ``resend_in``, nothing is asked.
    assert (repeated.queries, repeated.commands, repeated.jobs) == ([], [], [])
    for work in (entering, again):
        statements = [query.split()[0] for query in work.queries]
        assert statements == ["SELECT"] * IDENTIFYING + ["SELECT", "INSERT"]
        assert work.commands == ["EVALSHA", "EVALSHA"]
        assert work.jobs == ["after_wrong_guess"]
