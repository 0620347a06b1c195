"""
Base classes of the user admins. Projects can use them for their own user models.

They are Django's ``UserAdmin`` with the username field of the model. A subclass extends
``fieldsets``, ``add_fieldsets``, ``list_display`` and the other options as with any ``ModelAdmin``.
"""

from typing import Any

from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm, UserChangeForm
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from swap_user.users.usernames import canonical

PERMISSION_FIELDSETS = (
    (
        _("Permissions"),
        {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")},
    ),
    (_("Important dates"), {"fields": ("last_login",)}),
)


def password_fieldsets(username_field: str) -> Any:
    """Return the fieldsets of the change form for a user model with passwords."""
    return ((None, {"fields": (username_field, "password")}), *PERMISSION_FIELDSETS)


def password_add_fieldsets(username_field: str) -> Any:
    """Return the fieldsets of the add form for a user model with passwords."""
    fields = (username_field, "usable_password", "password1", "password2")
    return ((None, {"classes": ("wide",), "fields": fields}),)


def passwordless_fieldsets(username_field: str) -> Any:
    """Return the fieldsets of the change form for a user model without passwords."""
    return ((None, {"fields": (username_field,)}), *PERMISSION_FIELDSETS)


def passwordless_add_fieldsets(username_field: str) -> Any:
    """Return the fieldsets of the add form for a user model without passwords."""
    return ((None, {"classes": ("wide",), "fields": (username_field,)}),)


class SwapUserAdmin(UserAdmin):  # type: ignore[type-arg]
    """Admin for users with a password. A subclass names the fields of its model."""

    readonly_fields = ("last_login",)

    def get_search_results(
        self, request: HttpRequest, queryset: "models.QuerySet[Any]", search_term: str
    ) -> "tuple[models.QuerySet[Any], bool]":
        """Search for the canonical username if the term is one, e.g. a phone number with spaces."""
        name = canonical(self.model, search_term)
        return super().get_search_results(request, queryset, name or search_term)


class PasswordlessUserCreationForm(BaseUserCreationForm):  # type: ignore[type-arg]
    """A creation form with the username field only."""

    password1 = None  # type: ignore[assignment]
    password2 = None  # type: ignore[assignment]

    def set_password_and_save(
        self, user: Any, password_field_name: str = "password1", commit: bool = True
    ) -> Any:
        """Save the user without a password. Django's method would set one."""
        if commit:
            user.save()
        return user


class PasswordlessUserChangeForm(UserChangeForm):  # type: ignore[type-arg]
    """A change form for users without a password."""

    password = None  # type: ignore[assignment]


class PasswordlessUserAdmin(SwapUserAdmin):
    """Admin for users without a password. A subclass names the fields of its model."""

    form = PasswordlessUserChangeForm
    add_form = PasswordlessUserCreationForm
    # Django's template loads a script for the password fields.
    add_form_template = None

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """
        Return False for lookups on the security stamp, else what UserAdmin returns.

        Repeated filters on the stamp would reveal its value bit by bit.
        """
        return not lookup.startswith("security_stamp") and super().lookup_allowed(
            lookup, value, request
        )

    def user_change_password(
        self, request: HttpRequest, id: str, form_url: str = ""
    ) -> HttpResponse:
        """Raise Http404: there is no password to change."""
        raise Http404(gettext("These accounts have no password."))
