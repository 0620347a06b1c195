"""An INSERT that replaces the row with the same primary key."""

import uuid

import pytest
from django.db import connections

from swap_user.models import WrongGuess
from swap_user.otp.durable.upsert import upsert


@pytest.mark.django_db
def test_a_row_is_inserted_and_replaced(user):
    """All columns get the new values, and no other row changes."""
    connection = connections["default"]
    other = WrongGuess.objects.create(user=user, at=1, units=4, is_known=False)
    number = uuid.UUID(int=5)
    with connection.cursor() as cursor:
        for values in (
            {"user_id": None, "at": 10, "units": 1, "is_known": False},
            {"user_id": user.pk, "at": 20, "units": 2, "is_known": True},
        ):
            assert upsert(WrongGuess(id=number, **values), connection, cursor) is True
            assert WrongGuess.objects.filter(id=number).values(*values).get() == values
    assert WrongGuess.objects.count() == 2
    assert WrongGuess.objects.get(pk=other.pk).at == 1
