"""Whose authenticators are found, and which secret of sent codes is replaced."""

from __future__ import annotations

from typing import Any

import pytest

from swap_user.models import Authenticator
from swap_user.otp.authenticators import secrets
from swap_user.otp.authenticators.secrets import (
    enrolled,
    is_enrolled,
    open_secret,
    sent_authenticator,
)
from tests.support import give, make_user

pytestmark = pytest.mark.django_db


class ReplicaRouter:
    """All reads go to a replica that can't be reached."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return "replica"

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return "default"


def break_secrets() -> None:
    """Let all secrets be the same text, which can't be decrypted."""
    Authenticator.objects.update(secret="unreadable")


def test_only_the_apps_of_the_user_are_enrolled(user):
    """An authenticator of another user does not count, and the one of sent codes neither."""
    other = make_user(2)
    app = give(other)
    sent_authenticator(user)
    sent_authenticator(other)
    assert not is_enrolled(user)
    assert list(enrolled(other)) == [app]


def test_the_secret_of_sent_codes_stays():
    """As long as it can be decrypted, each call returns the same row and secret."""
    user = make_user()
    first = sent_authenticator(user)
    assert sent_authenticator(user) == first
    assert Authenticator.objects.count() == 1


def test_an_unreadable_secret_is_replaced_for_one_user(user):
    """The row of another user is left alone, even if the same text was copied to it."""
    other = make_user(2)
    for each in (user, other):
        sent_authenticator(each)
    break_secrets()
    row, secret = sent_authenticator(user)
    assert open_secret(Authenticator.objects.get(user=user)) == secret == open_secret(row)
    assert Authenticator.objects.get(user=other).secret == "unreadable"


def test_two_requests_replace_a_secret_once(user, monkeypatch):
    """The second one returns the secret of the first, so that a code of the first works."""
    sent_authenticator(user)
    break_secrets()
    first: list[Any] = []

    def record(*args: Any, **kwargs: Any) -> None:
        """Let another request replace the secret at this moment."""
        monkeypatch.undo()
        first.append(sent_authenticator(user))

    monkeypatch.setattr(secrets.audit, "record", record)
    second = sent_authenticator(user)
    assert [second] == first
    assert open_secret(Authenticator.objects.get()) == second[1]


@pytest.mark.parametrize("changed", ["user", "type"])
def test_a_row_that_was_changed_by_sql_is_put_right(user, changed):
    """It belongs to its owner again, is of the right type, and has another secret."""
    _, old = sent_authenticator(user)
    value = make_user(2) if changed == "user" else Authenticator.Type.TOTP
    Authenticator.objects.update(**{changed: value})
    row, new = sent_authenticator(user)
    stored = Authenticator.objects.get()
    assert (stored.user_id, stored.type) == (row.user_id, row.type) == (user.pk, "sent")
    assert open_secret(stored) == new != old


def test_a_replaced_secret_is_not_read_from_a_replica(user, settings):
    """It is read where it was written (R44)."""
    sent_authenticator(user)
    break_secrets()
    settings.DATABASE_ROUTERS = [f"{__name__}.ReplicaRouter"]
    row, secret = sent_authenticator(user)
    assert open_secret(row) == secret
