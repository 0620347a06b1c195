"""What tests of the user models share."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings

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
    client.force_login(user, backend=django_settings.AUTHENTICATION_BACKENDS[0])
    assert is_inside(client)
    return client
