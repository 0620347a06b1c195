"""The check of the user model."""

import pytest
from django.contrib.auth import get_user_model
from django.db import models

from swap_user.checks.user_model import check_username_field
from swap_user.users import usernames


@pytest.mark.requirement("R42")
@pytest.mark.parametrize(
    "field",
    [
        models.FloatField(),
        models.DecimalField(max_digits=3, decimal_places=1),
        models.DateField(),
        models.DateTimeField(),
        models.JSONField(),
        models.BooleanField(),
        models.BinaryField(),
        models.FileField(),
    ],
    ids=lambda field: type(field).__name__,
)
def test_e020(monkeypatch, field):
    """A username that can be typed in several ways, or not at all, is an error."""
    monkeypatch.setattr(usernames, "username_field", lambda model: field)
    field.name = "name"
    (message,) = check_username_field(None)
    assert message.id == "swap_user.E020"
    assert type(field).__name__ in message.msg
    assert message.obj is get_user_model()


def test_the_model_of_these_settings():
    """The shipped models and Django's have usernames that can be typed."""
    assert check_username_field(None) == []
