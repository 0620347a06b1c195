from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from demo.shop.models import Customer, Order
from swap_user.users.admin import (
    PasswordlessUserAdmin,
    passwordless_add_fieldsets,
    passwordless_fieldsets,
)


@admin.register(Customer)
class CustomerAdmin(PasswordlessUserAdmin):
    """The admin of customers and staff."""

    fieldsets = (
        *passwordless_fieldsets("email"),
        (_("Shop"), {"fields": ("name", "terms_accepted_at")}),
    )
    add_fieldsets = passwordless_add_fieldsets("email")
    readonly_fields = (*PasswordlessUserAdmin.readonly_fields, "terms_accepted_at")  # type: ignore[assignment]
    list_display = ("email", "name", "is_active", "is_staff", "last_login")
    search_fields = ("email", "name")
    ordering = ("email",)


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Orders to read. Only the shop places them."""

    list_display = ("product_name", "customer", "price", "placed_at")
    list_select_related = ("customer",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False."""
        return False
