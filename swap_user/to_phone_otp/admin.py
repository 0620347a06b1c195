from django.contrib import admin

from swap_user.to_phone_otp.models import PhoneOTPUser
from swap_user.users.admin import (
    PasswordlessUserAdmin,
    passwordless_add_fieldsets,
    passwordless_fieldsets,
)


@admin.register(PhoneOTPUser)
class PhoneOTPUserAdmin(PasswordlessUserAdmin):
    """The admin of PhoneOTPUser."""

    fieldsets = passwordless_fieldsets("phone")
    add_fieldsets = passwordless_add_fieldsets("phone")
    list_display = ("phone", "is_active", "is_staff", "last_login")
    search_fields = ("phone",)
    ordering = ("phone",)
