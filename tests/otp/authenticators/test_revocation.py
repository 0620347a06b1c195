"""The removal of an authenticator, and its signal."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.models import Authenticator
from swap_user.otp import remove_authenticator
from swap_user.signals import authenticator_removed
from tests.support import give, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard():
    """The arguments of each signal."""
    calls: list[dict[str, Any]] = []

    def receiver(**kwargs: Any) -> None:
        calls.append({name: kwargs[name] for name in ("sender", "user", "authenticator")})

    authenticator_removed.connect(receiver)
    yield calls
    authenticator_removed.disconnect(receiver)


@pytest.mark.requirement("R37")
def test_one_authenticator_is_removed(user, heard):
    """The others stay, and the signal says whose was removed and which one."""
    removed, kept = give(user), give(user)
    theirs = give(make_user(2))
    pk = removed.pk
    assert remove_authenticator(removed) is True
    assert {each.pk for each in Authenticator.objects.all()} == {kept.pk, theirs.pk}
    assert heard == [{"sender": Authenticator, "user": user, "authenticator": removed}]
    assert heard[0]["authenticator"].pk == pk


def test_the_second_of_two_requests_removes_nothing(user, heard):
    """It returns False and sends no signal."""
    authenticator = give(user)
    again = Authenticator.objects.get(pk=authenticator.pk)
    remove_authenticator(authenticator)
    heard.clear()
    assert remove_authenticator(again) is False
    assert heard == []
