"""What the database drivers call a conflict, and a value that is stored already."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, OperationalError

from swap_user.otp.availability import is_conflict, is_duplicate


def raised(driver: type[Exception], *args: Any, **attributes: Any) -> OperationalError:
    """An error of a driver, as Django raises it."""
    cause, error = driver(*args), OperationalError(*args)
    vars(cause).update(attributes)
    error.__cause__ = cause
    return error


class Driver(Exception):
    """The base class of the errors of a driver."""


# SQLite's own numbers, PostgreSQL's SQLSTATE, and the numbers of MariaDB and MySQL. PyMySQL has had
# a SQLSTATE beside the number since 1.2, as Connector/Python has: one for several errors.
@pytest.mark.parametrize(
    ("error", "conflict", "duplicate"),
    [
        (raised(Driver, "text", sqlstate="40001"), True, False),
        (raised(Driver, "text", pgcode="40P01"), True, False),
        (raised(Driver, "text", sqlstate="23505"), False, True),
        (raised(Driver, "text", sqlstate="23502"), False, False),
        (raised(Driver, 1213, "text"), True, False),
        (raised(Driver, 1213, "text", sqlstate="40001"), True, False),
        (raised(Driver, 1020, "text", sqlstate="HY000"), True, False),
        (raised(Driver, 1062, "text"), False, True),
        (raised(Driver, 1062, "text", sqlstate="23000"), False, True),
        (raised(Driver, 1048, "text", sqlstate="23000"), False, False),
        (raised(Driver, 2013, "text", sqlstate=None), False, False),
        (raised(Driver, "text", sqlite_errorcode=517), True, False),
        (raised(Driver, "text", sqlite_errorcode=sqlite3.SQLITE_CONSTRAINT_UNIQUE), False, True),
        (raised(Driver, "text", sqlite_errorcode=1062), False, False),
        (raised(Driver), False, False),
    ],
)
def test_errors_of_drivers(error: Any, conflict: bool, duplicate: bool) -> None:
    """Each by its own numbers."""
    assert (is_conflict(error), is_duplicate(error)) == (conflict, duplicate)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "expected"), [("taken", True), (None, False)])
def test_this_database(name: Any, expected: bool) -> None:
    """A unique value, and one that is missing, with the driver of these settings."""
    Group.objects.create(name="taken")
    with pytest.raises(IntegrityError) as error:
        Group.objects.create(name=name)
    assert is_duplicate(error.value) is expected
