"""What tests of required apps share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from tests.clock import Clock
from tests.otp.enforcement import project
from tests.support import configure, make_user


@pytest.fixture
def use(settings: Any) -> Callable[..., None]:
    """Call it with the name of a policy of the project."""

    def use_policy(name: str, **changes: Any) -> None:
        configure(settings, OTP_POLICY_CLASS=f"{project.__name__}.{name}", **changes)

    return use_policy


@pytest.fixture(autouse=True)
def _project(settings: Any, clock: Clock) -> None:
    settings.ROOT_URLCONF = project.__name__
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, project.MIDDLEWARE]


@pytest.fixture
def client() -> Client:
    """A browser of its own."""
    return Client()


@pytest.fixture
def user(db: None) -> Any:
    """A user who may also enter the admin."""
    return make_user(is_staff=True, is_superuser=True)


@pytest.fixture
def join(user: Any) -> Callable[[str], Group]:
    """Call it with the name of a group, and from then on the user is a member."""

    def join_group(name: str) -> Group:
        group, _ = Group.objects.get_or_create(name=name)
        user.groups.add(group)
        return group

    return join_group
