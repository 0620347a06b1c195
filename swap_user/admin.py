"""The admin of authenticators: staff can view and revoke those of all users, but not add any."""

from typing import Any

from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from swap_user.models import Authenticator
from swap_user.otp.authenticators import revocation
from swap_user.otp.pages.methods.base import log_in_again
from swap_user.otp.sessions.sessions import end_sessions, is_fresh
from swap_user.otp.sites import OTPAdminSiteMixin


@admin.register(Authenticator)
class AuthenticatorAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """
    The admin of enrolled authenticators. It shows neither secrets nor the rows for sent codes.

    Deleting an authenticator revokes it: the owner is notified (R37) and their sessions end (R36).
    """

    list_display = ("user", "type", "name", "created_at", "last_used_at")
    list_display_links = ("user",)
    list_filter = ("last_used_at",)
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = ("user", "type", "name", "created_at", "last_used_at")
    readonly_fields = fields

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Return the fields to search in: the owner's username and the authenticator's name."""
        return [f"user__{get_user_model().USERNAME_FIELD}", "name"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Authenticator]":
        """Exclude the rows for sent codes: they are not enrolled and can't be revoked."""
        return super().get_queryset(request).exclude(type=Authenticator.Type.SENT)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """
        Return False for lookups on hidden fields, else what ModelAdmin returns.

        Repeated filters on a hidden field would reveal its value bit by bit.
        """
        hidden = lookup.startswith(("secret", "consumed"))
        return not hidden and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Return False: only the owner can enroll an authenticator."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return False: an authenticator can be revoked, but not edited."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user has the view or the delete permission."""
        return super().has_view_permission(request, obj) or self.has_delete_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """
        Return whether the user may revoke ``obj``.

        On the pages of another model, such as the user model, staff who may delete the owner may
        delete the owner's authenticators too: deleting a user needs no extra permission.
        """
        if super().has_delete_permission(request, obj):
            return True
        page = _admin_of_page(request)
        if obj is None or page is None or issubclass(page.model, Authenticator):
            return False
        is_of_users = issubclass(page.model, get_user_model())
        users = page if is_of_users else page.admin_site._registry.get(get_user_model())
        return users is not None and users.has_delete_permission(request, obj.user)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: "dict[str, Any] | None" = None
    ) -> HttpResponse:
        """Revoke one authenticator. A recent login is required (R37)."""
        if response := self._require_recent_login(request):
            return response
        return super().delete_view(request, object_id, extra_context)

    def changelist_view(
        self, request: HttpRequest, extra_context: "dict[str, Any] | None" = None
    ) -> HttpResponse:
        """List authenticators. The action that revokes several requires a recent login (R37)."""
        if request.method == "POST" and (response := self._require_recent_login(request)):
            return response
        return super().changelist_view(request, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return the list for the confirmation page, with the owner of each authenticator."""
        _deleted, *rest = super().get_deleted_objects(objs, request)
        return [f"{authenticator} ({authenticator.user})" for authenticator in objs], *rest

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        """Revoke one authenticator."""
        self._revoke(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Authenticator]") -> None:
        """Revoke several authenticators."""
        self._revoke(request, list(queryset.select_related("user")))

    def _revoke(self, request: HttpRequest, authenticators: "list[Authenticator]") -> None:
        owners: dict[Any, Any] = {}
        for authenticator in authenticators:
            if revocation.remove_authenticator(authenticator, request):
                owners[authenticator.user_id] = authenticator.user
        for owner in owners.values():
            end_sessions(owner, keep=request if owner.pk == request.user.pk else None)

    def _require_recent_login(self, request: HttpRequest) -> HttpResponse | None:
        """Return a redirect to the login page, or None if the login is recent enough."""
        site = self.admin_site
        # On another admin site the login page redirects logged-in users back to this page, which
        # would be an endless loop.
        if not isinstance(site, OTPAdminSiteMixin) or is_fresh(request):
            return None
        return log_in_again(request, site.otp_url("login"))


def _admin_of_page(request: HttpRequest) -> "admin.ModelAdmin[Any] | None":
    """
    Return the ModelAdmin that the requested page belongs to, or None.

    The page is not recognized by its URL name, which a project can change.
    """
    page = request.resolver_match.func if request.resolver_match else None
    found = getattr(page, "model_admin", None)  # set by ModelAdmin.get_urls()
    return found if isinstance(found, admin.ModelAdmin) else None
