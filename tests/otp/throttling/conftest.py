"""What tests of the limits share."""

import pytest

from tests.support import give, make_user


@pytest.fixture
def user(db):
    """A user with an authenticator app, so that each guess could hit."""
    user = make_user()
    give(user)
    return user
