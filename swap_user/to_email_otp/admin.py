from django.contrib import admin

from swap_user.to_email_otp.models import EmailOTPUser
from swap_user.users.admin import (
    PasswordlessUserAdmin,
    passwordless_add_fieldsets,
    passwordless_fieldsets,
)


@admin.register(EmailOTPUser)
class EmailOTPUserAdmin(PasswordlessUserAdmin):
    """The admin of EmailOTPUser."""

    fieldsets = passwordless_fieldsets("email")
    add_fieldsets = passwordless_add_fieldsets("email")
    list_display = ("email", "is_active", "is_staff", "last_login")
    search_fields = ("email",)
    ordering = ("email",)
