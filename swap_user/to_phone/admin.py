from django.contrib import admin

from swap_user.to_phone.models import PhoneUser
from swap_user.users.admin import SwapUserAdmin, password_add_fieldsets, password_fieldsets


@admin.register(PhoneUser)
class PhoneUserAdmin(SwapUserAdmin):
    """The admin of PhoneUser."""

    fieldsets = password_fieldsets("phone")
    add_fieldsets = password_add_fieldsets("phone")
    list_display = ("phone", "is_active", "is_staff", "last_login")
    search_fields = ("phone",)
    ordering = ("phone",)
