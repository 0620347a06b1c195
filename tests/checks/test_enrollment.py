"""The checks of policies that require authenticator apps (E021, W022)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.checks import run_checks
from django.core.exceptions import FieldDoesNotExist
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import path

from swap_user.otp.enforcement import rule
from swap_user.otp.policies import AnyCode
from tests.support import configure

pytestmark = pytest.mark.django_db


class Policy(AnyCode):
    """Each test gives it another rule."""


@pytest.fixture(autouse=True)
def _policy(settings: Any) -> None:
    configure(settings, OTP_POLICY_CLASS=f"{__name__}.Policy")


def found(**options: Any) -> dict[str, list[str]]:
    """Return the messages of this package: ids, with texts and hints."""
    messages: dict[str, list[str]] = {}
    for each in run_checks(**options):
        if each.id.startswith("swap_user."):
            messages.setdefault(each.id, []).append(f"{each.msg} {each.hint}")
    return messages


async def never_awaited(self: Any, user: Any) -> bool:
    return True


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"must_enroll_groups": {}},
        {"must_enroll_groups": {"Finance": timedelta(days=14), "Board": timedelta(0)}},
        {"must_enroll_groups": {"Finance": 0, "Board": timedelta(days=3650)}},
        {"must_enroll": lambda self, user: timedelta(days=1)},
    ],
    ids=["none", "no groups", "days", "at once", "a method"],
)
def test_good_rules(monkeypatch: Any, attributes: dict[str, Any]) -> None:
    """They get no message."""
    for name, value in attributes.items():
        monkeypatch.setattr(Policy, name, value)
    assert found() == {}


WRONG: list[tuple[str, Any, str]] = [
    ("must_enroll_groups", {"Finance"}, "is not a dict"),
    ("must_enroll_groups", ["Finance"], "is not a dict"),
    ("must_enroll_groups", "Finance", "is not a dict"),
    ("must_enroll_groups", None, "is not a dict"),
    ("must_enroll_groups", {"Finance": 14}, "is 14, which is not a grace period"),
    ("must_enroll_groups", {"Finance": "14d"}, "timedelta(days=14)"),
    ("must_enroll_groups", {"Finance": True}, "timedelta(0)"),
    ("must_enroll_groups", {"Finance": False}, "timedelta(0)"),
    ("must_enroll_groups", {"Finance": None}, "timedelta(0)"),
    ("must_enroll_groups", {"Finance": timedelta(days=-1)}, "0 to 3650 days"),
    ("must_enroll_groups", {"Finance": timedelta(days=3651)}, "0 to 3650 days"),
    ("must_enroll_groups", {7: timedelta(1)}, "7, which is not the name of a group"),
    ("must_enroll_groups", {"": timedelta(1)}, "'', which is not the name of a group"),
    ("must_enroll", True, "def must_enroll(self, user)"),
    ("must_enroll", timedelta(days=1), "def must_enroll(self, user)"),
    ("must_enroll", never_awaited, "without await"),
]


@pytest.mark.parametrize(("name", "value", "part"), WRONG)
def test_wrong_rules(monkeypatch: Any, name: str, value: Any, part: str) -> None:
    """E021 names the policy and what is wrong, and says what to write."""
    monkeypatch.setattr(Policy, name, value)
    messages = found()
    (text,) = messages.pop("swap_user.E021")
    assert text.startswith("Policy: must_enroll")
    assert part in text
    assert "None" not in text.replace("is None", "")
    assert messages == {}


class Field:
    """A field of a user model that is called groups."""

    many_to_many, related_model = True, Group

    def __init__(self, **attributes: Any) -> None:
        vars(self).update(attributes)


@pytest.mark.parametrize(
    "field",
    [None, Field(many_to_many=False), Field(related_model=None), Field(related_model=ContentType)],
    ids=["no field", "a text", "no relation", "a relation to another model"],
)
def test_a_model_without_groups(monkeypatch: Any, field: Any) -> None:
    """E021: there are no members."""

    class Options:
        label = "shop.Customer"

        def get_field(self, name: str) -> Any:
            if field is None:
                raise FieldDoesNotExist
            return field

    model: Any = type("Customer", (), {"_meta": Options()})
    monkeypatch.setattr("swap_user.otp.enforcement.rule.get_user_model", lambda: model)
    monkeypatch.setattr(Policy, "must_enroll_groups", {"Finance": timedelta(1)})
    ((_, text),) = rule.problems(Policy)
    assert "Override must_enroll(self, user)" in text


def test_a_group_that_does_not_exist(monkeypatch: Any) -> None:
    """W023: only where a database is checked."""
    monkeypatch.setattr(Policy, "must_enroll_groups", {"Finance": timedelta(1), "x": timedelta(1)})
    Group.objects.create(name="Finance")
    assert found() == {}
    for options in ({"databases": ["default"]}, {"include_deployment_checks": True}):
        (text,) = found(**options)["swap_user.W023"]
        assert "names the group 'x', which does not exist" in text
    Group.objects.create(name="x")
    assert "swap_user.W023" not in found(databases=["default"])
    with CaptureQueriesContext(connection) as queries:
        found()
    assert not [query for query in queries if "auth_group" in query["sql"]]


@pytest.mark.parametrize("by", ["groups", "method", "setting"])
def test_a_site_without_a_page_that_adds_an_app(settings: Any, monkeypatch: Any, by: str) -> None:
    """W022: its users would be led nowhere."""
    settings.ROOT_URLCONF = (path("", lambda request: None),)
    assert "swap_user.W022" not in found()
    if by == "groups":
        monkeypatch.setattr(Policy, "must_enroll_groups", {"Finance": timedelta(1)})
    elif by == "method":
        monkeypatch.setattr(Policy, "must_enroll", lambda self, user: True)
    else:
        configure(settings, OTP_STAFF_MUST_ENROLL=True)
    (text,) = found()["swap_user.W022"]
    assert 'Include "swap_user.otp.urls"' in text


def test_a_policy_that_can_not_be_imported(settings: Any) -> None:
    """It is reported once."""
    configure(settings, OTP_POLICY_CLASS="nowhere.Policy")
    assert list(found()) == ["swap_user.E012"]
