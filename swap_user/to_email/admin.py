from django.contrib import admin

from swap_user.to_email.models import EmailUser
from swap_user.users.admin import SwapUserAdmin, password_add_fieldsets, password_fieldsets


@admin.register(EmailUser)
class EmailUserAdmin(SwapUserAdmin):
    """The admin of EmailUser."""

    fieldsets = password_fieldsets("email")
    add_fieldsets = password_add_fieldsets("email")
    list_display = ("email", "is_active", "is_staff", "last_login")
    search_fields = ("email",)
    ordering = ("email",)
