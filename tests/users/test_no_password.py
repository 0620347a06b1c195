"""User models without a password."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.forms import (
    AdminPasswordChangeForm,
    PasswordChangeForm,
    PasswordResetForm,
    SetPasswordForm,
)
from django.contrib.auth.password_validation import (
    password_validators_help_texts,
    validate_password,
)
from django.contrib.auth.tokens import default_token_generator
from django.urls import path

from tests.support import make_user, username
from tests.user_models import HAS_PASSWORD, UserModel
from tests.users.helpers import KIND

pytestmark = pytest.mark.user_model("ours")


@pytest.mark.user_model("no password")
def test_there_is_no_password_column():
    """There is no password field, neither on the model nor on an instance."""
    assert "password" not in {field.name for field in UserModel._meta.get_fields()}
    assert UserModel().password is None
    with pytest.raises(TypeError):
        UserModel(password="x")


@pytest.mark.user_model("no password")
def test_password_methods(user):
    """A password is refused, and none is right."""
    with pytest.raises(NotImplementedError, match="have no password"):
        user.set_password("x")
    user.set_unusable_password()
    assert not user.has_usable_password()
    for offered in (None, "", "x", "!"):
        assert user.check_password(offered) is False
        assert async_to_sync(user.acheck_password)(offered) is False
    user.save()
    async_to_sync(user.asave)()


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("name", [username(), username(2)], ids=["known", "unknown"])
def test_model_backend_beside_it_lets_nobody_in(user, name):
    """Django's password backend refuses known and unknown names alike, without an error."""
    backend = ModelBackend()
    assert backend.authenticate(None, username=name, password="x") is None
    assert async_to_sync(backend.aauthenticate)(None, username=name, password="x") is None


@pytest.mark.user_model("no password")
def test_password_forms_do_not_break(user, staff_client):
    """Changing a password is never possible, and never an error page."""
    data = {"old_password": "x", "new_password1": "kZ81!plq", "new_password2": "kZ81!plq"}
    form = PasswordChangeForm(user, data)
    assert not form.is_valid()
    for response in (
        staff_client.get("/admin/password_change/"),
        staff_client.post("/admin/password_change/", data),
    ):
        assert response.status_code < 500
    assert default_token_generator.check_token(user, default_token_generator.make_token(user))


@pytest.mark.django_db
@pytest.mark.parametrize("email", ["user1@example.com", "nobody@example.com"])
def test_password_reset_form(email, mailoutbox):
    """Asking for a password reset sends mail to those who have both a password and an address."""
    user = make_user(1)
    if HAS_PASSWORD:
        user.set_password("a fine password")
        user.save()
    form = PasswordResetForm({"email": email})
    assert form.is_valid()
    # No templates or URLs: where nobody is written to, none is rendered.
    found = list(form.get_users(email))
    assert found == ([user] if KIND == "email" and HAS_PASSWORD and "user1" in email else [])
    if not found:
        form.save(domain_override="example.com")
    assert mailoutbox == []


@pytest.mark.user_model("no password")
@pytest.mark.parametrize("form_class", [SetPasswordForm, AdminPasswordChangeForm])
@pytest.mark.parametrize("validators", [0, 1])
def test_password_forms_say_why(user, settings, form_class, validators):
    """Django's own forms, whatever validators the project has."""
    settings.AUTH_PASSWORD_VALIDATORS = [
        {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}
    ][:validators]
    data = {"new_password1": "kZ81!plqX", "new_password2": "kZ81!plqX"}
    data |= {"password1": "kZ81!plqX", "password2": "kZ81!plqX", "usable_password": "true"}
    form = form_class(user, data)
    assert not form.is_valid()
    assert "have no password" in str(form.errors)
    assert "have no password" in " ".join(password_validators_help_texts())


@pytest.mark.user_model("ours", "no password")
def test_a_form_that_validates_nothing(user, client, settings):
    """A page that sets a password at once answers with 403, and not with a server error."""
    settings.ROOT_URLCONF = (path("set/", lambda request: user.set_password("x")),)
    assert client.post("/set/").status_code == 403


@pytest.mark.user_model("password")
def test_models_with_passwords_are_left_alone(user):
    """Their forms have the validators of the project, and no others."""
    validate_password("kZ81!plqX", user)
    assert password_validators_help_texts() == []


def test_other_users_of_the_validators(db):
    """A password that is of no user, such as that of a document, is none of our business."""
    validate_password("kZ81!plqX")
    validate_password("kZ81!plqX", user=object())
