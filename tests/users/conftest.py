"""What tests of the user models share."""

from __future__ import annotations

import pytest

from swap_user.testing import log_in
from tests.support import username
from tests.user_models import UserModel
from tests.users.helpers import is_inside


@pytest.fixture
def user(db):
    return UserModel.objects.create_user(username())


@pytest.fixture
def staff_client(user, client):
    user.is_staff = True
    user.save()
    log_in(client, user)
    assert is_inside(client)
    return client
