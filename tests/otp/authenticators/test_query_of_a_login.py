"""The SELECT of a login: what belongs to whom, and user models that are not as usual."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import BaseUserManager
from django.db.models import QuerySet

from swap_user.models import Authenticator, KnownBrowser, WrongGuess
from swap_user.otp.authenticators import queries
from swap_user.otp.authenticators.queries import AuthenticatorQuery, orm_select
from swap_user.users.usernames import username_field
from tests.support import IDENTIFYING, give, make_user, username

pytestmark = pytest.mark.django_db

BROWSER, SINCE = "f" * 32, 1_700_000_000
GIVEN: Any = {"browser": BROWSER, "since": SINCE}

UserModel: Any = get_user_model()
FIELD: Any = username_field(UserModel)

# Whether the managers below hide all users.
hidden = False


@pytest.fixture(autouse=True)
def _compiled_again(monkeypatch):
    """Let nothing that was compiled for a changed user model be kept."""
    monkeypatch.setattr(f"{__name__}.hidden", False)
    queries._columns.cache_clear()
    yield
    queries._columns.cache_clear()


class OwnRows(BaseUserManager):
    """A manager that chooses the rows."""

    def get_queryset(self) -> Any:
        return super().get_queryset().filter(pk__in=[]) if hidden else super().get_queryset()


class OwnQuerySet(QuerySet):
    """A queryset that chooses the rows."""

    def filter(self, *args: Any, **kwargs: Any) -> Any:
        return super().filter(pk__in=[]) if hidden else super().filter(*args, **kwargs)


MANAGERS: dict[str, Any] = {
    "rows": OwnRows,
    "queryset": BaseUserManager.from_queryset(OwnQuerySet),
}


def found(select: Any = None, browser: str = BROWSER) -> list[Any]:
    """Return the rows of the first user."""
    given: Any = {**GIVEN, "browser": browser}
    query = AuthenticatorQuery(username(), **given)
    return list(select(username(), **given)) if select else query.run()


@pytest.fixture(params=["stored SQL", "ORM"])
def select(request) -> Any:
    """Both forms of the SELECT."""
    return orm_select if request.param == "ORM" else None


def test_what_belongs_to_another_user_does_not_count(user, select):
    """Neither wrong guesses nor the same browser: a user without them has none."""
    other = make_user(2)
    for each in (user, other):
        give(each)
    for is_known in (False, True):
        WrongGuess.objects.create(user=other, at=SINCE + 1, units=5, is_known=is_known)
    KnownBrowser.objects.create(user=other, browser=BROWSER)
    (row,) = found(select)
    assert row.user == user
    assert (row.stranger_units, row.known_units, row.browser_seen_at) == (0, 0, None)


def test_only_what_was_asked_for_counts(user, select):
    """Guesses after the moment, by kind, and the last login in this browser."""
    give(user)
    for at, units, is_known in ((SINCE, 1, False), (SINCE + 1, 2, False), (SINCE + 1, 4, True)):
        WrongGuess.objects.create(user=user, at=at, units=units, is_known=is_known)
    seen = KnownBrowser.objects.create(user=user, browser=BROWSER)
    KnownBrowser.objects.create(user=user, browser="other")
    (row,) = found(select)
    assert (row.stranger_units, row.known_units) == (2, 4)
    assert row.browser_seen_at == seen.logged_in_at


def test_without_a_browser(user, select, django_assert_num_queries):
    """What only counts for a known browser is not read. The rest is the same."""
    give(user)
    for is_known in (False, True):
        WrongGuess.objects.create(user=user, at=SINCE + 1, units=3, is_known=is_known)
    KnownBrowser.objects.create(user=user, browser="")
    with django_assert_num_queries(1) as asked:
        (row,) = found(select, browser="")
    assert row.user == user
    assert (row.stranger_units, row.known_units, row.browser_seen_at) == (3, 0, None)
    sql = asked.captured_queries[0]["sql"]
    assert "swap_user_knownbrowser" not in sql
    assert len(re.findall(r"FROM .swap_user_wrongguess", sql)) == 1


@pytest.mark.parametrize("kind", MANAGERS)
def test_a_manager_of_the_project_is_asked_each_time(user, monkeypatch, kind):
    """A user whom it begins to hide is not found any more."""
    give(user)
    manager = MANAGERS[kind]()
    manager.model = UserModel
    monkeypatch.setattr(UserModel._meta, "default_manager", manager)
    assert [row.user for row in found()] == [user]
    monkeypatch.setattr(f"{__name__}.hidden", True)
    assert found() == []


def test_a_username_that_is_a_number(user, monkeypatch):
    """Its user is found, although no SQL can be stored."""
    give(user)
    give(make_user(2))
    monkeypatch.setattr(UserModel, "USERNAME_FIELD", "id")
    (row,) = AuthenticatorQuery(str(user.pk), **GIVEN).run()
    assert row.user == user


@pytest.mark.skipif(IDENTIFYING, reason="the database ignores case")
def test_a_username_that_is_stored_in_another_form(user, monkeypatch, django_assert_num_queries):
    """Its user is found by the stored SQL, which contains no part of a username."""
    give(user)
    monkeypatch.setattr(FIELD, "get_prep_value", str.swapcase)
    UserModel.objects.filter(pk=user.pk).update(**{FIELD.name: "abc"})
    query = AuthenticatorQuery("abc", **GIVEN)
    with django_assert_num_queries(1):
        assert [row.user for row in query.run()] == [user]
    for has_browser in (True, False):
        assert queries._columns("default", UserModel, has_browser).sql is not None


# --- Rows that are made up ------------------------------------------------------------------------


def made_up(number: int) -> list[Any]:
    return AuthenticatorQuery(username(), **GIVEN).made_up_rows(number)


@pytest.mark.requirement("R33")
def test_made_up_rows_are_of_nobody():
    """They are like those of a user without guesses, and not in the database."""
    rows = made_up(3)
    assert len(rows) == 3
    for row in rows:
        assert (type(row), type(row.user)) == (Authenticator, UserModel)
        assert (row.user_id, row.user.pk) == (None, None)
        assert (row.stranger_units, row.known_units, row.browser_seen_at) == (0, 0, None)
    assert not Authenticator.objects.exists()


@pytest.mark.requirement("R33")
def test_made_up_rows_have_the_default_values_of_the_models(monkeypatch):
    """A time without a default is set, because it takes time to convert one."""
    last_used, name = (Authenticator._meta.get_field(each) for each in ("last_used_at", "name"))
    long_ago = datetime(2001, 2, 3, tzinfo=UTC)
    monkeypatch.setattr(last_used, "get_default", lambda: long_ago)
    monkeypatch.setattr(name, "get_default", lambda: None)
    (row,) = made_up(1)
    assert (row.last_used_at, row.name) == (long_ago, None)
    assert row.created_at is not None


@pytest.mark.requirement("R33")
def test_a_default_value_that_cannot_be_converted(monkeypatch):
    """It is left out, so that rows can be made up all the same."""

    def convert(value: Any, expression: Any, connection: Any) -> Any:
        if value == "":
            raise ValueError("no username")
        return value

    monkeypatch.setattr(FIELD, "from_db_value", convert, raising=False)
    assert len(made_up(2)) == 2


def test_a_user_model_that_refuses_default_values(user, monkeypatch):
    """No rows are made up, and the users are found."""
    give(user)
    from_db = UserModel.from_db

    def picky(db: Any, names: Any, values: Any) -> Any:
        instance = from_db(db, names, values)
        if instance.pk is None:
            raise RuntimeError("a user without a key")
        return instance

    monkeypatch.setattr(UserModel, "from_db", picky)
    assert made_up(3) == []
    assert [row.user for row in found()] == [user]
