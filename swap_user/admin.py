"""Other people's authenticators, to see and to revoke. Nobody adds one in another's name."""

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
    What users have enrolled: never the secret, nor the rows of sent codes.

    To delete is to revoke: the owner is told (R37) and their sessions end (R36).
    """

    list_display = ("user", "type", "name", "created_at", "last_used_at")
    list_display_links = ("user",)
    list_filter = ("last_used_at",)
    list_select_related = ("user",)
    ordering = ("-created_at",)
    fields = ("user", "type", "name", "created_at", "last_used_at")
    readonly_fields = fields

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Find by the owner's username and by name."""
        return [f"user__{get_user_model().USERNAME_FIELD}", "name"]

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Authenticator]":
        """Leave the sent codes out: nobody enrolled them, and they can't be revoked."""
        return super().get_queryset(request).exclude(type=Authenticator.Type.SENT)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow no filter by what is not shown: it would spell the secret out bit by bit."""
        hidden = lookup.startswith(("secret", "consumed"))
        return not hidden and super().lookup_allowed(lookup, value, request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let nobody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let nobody."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those look who may revoke, too."""
        return super().has_view_permission(request, obj) or self.has_delete_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Let those who may, and whoever deletes a user: their authenticators go with them."""
        match = request.resolver_match
        ours = match is None or (match.url_name or "").startswith("swap_user_authenticator_")
        along = obj is not None and not ours
        return along or super().has_delete_permission(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: "dict[str, Any] | None" = None
    ) -> HttpResponse:
        """Revoke one, after a recent login (R37)."""
        if answer := self._log_in_first(request):
            return answer
        return super().delete_view(request, object_id, extra_context)

    def changelist_view(
        self, request: HttpRequest, extra_context: "dict[str, Any] | None" = None
    ) -> HttpResponse:
        """List them, and revoke several, likewise."""
        if request.method == "POST" and (answer := self._log_in_first(request)):
            return answer
        return super().changelist_view(request, extra_context)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Say on the page that asks whether it is meant whose each of them is."""
        _deleted, *rest = super().get_deleted_objects(objs, request)
        return [f"{each} ({each.user})" for each in objs], *rest

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        """Revoke it."""
        self._revoke(request, [obj])

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Authenticator]") -> None:
        """Revoke them."""
        self._revoke(request, list(queryset.select_related("user")))

    def _revoke(self, request: HttpRequest, authenticators: "list[Authenticator]") -> None:
        owners: dict[Any, Any] = {}
        for authenticator in authenticators:
            if revocation.remove_authenticator(authenticator):
                owners[authenticator.user_id] = authenticator.user
        for owner in owners.values():
            end_sessions(owner, keep=request if owner.pk == request.user.pk else None)

    def _log_in_first(self, request: HttpRequest) -> HttpResponse | None:
        site = self.admin_site
        # Another site's login page would send those who are logged in straight back.
        if not isinstance(site, OTPAdminSiteMixin) or is_fresh(request):
            return None
        return log_in_again(request, site.otp_url("login"))
