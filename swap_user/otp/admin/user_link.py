"""
The link to a user's sessions on the page on which staff change the user.

The page can be that of any ModelAdmin: the link is in its block ``object-tools-items``, beside the
link to the history. A page without that block gets no link.
"""

from typing import Any

from django.contrib.admin.utils import quote
from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseBase
from django.template.response import SimpleTemplateResponse

from swap_user.otp.admin import user_access
from swap_user.otp.admin.user_sessions import USER_SESSIONS


def add(response: HttpResponseBase, request: HttpRequest, site: Any) -> None:
    """
    Add the URL of the sessions to the context of a page that changes a user.

    ``header_link`` then lets the template of the page be extended by one with the link.

    Args:
        response: what a view of the site returned.
        request: the request of the view.
        site: the admin site, see ``OTPAdminSiteMixin``.
    """
    if not isinstance(response, SimpleTemplateResponse) or response.is_rendered:
        return
    context: dict[str, Any] = response.context_data or {}
    user = context.get("original")
    users = get_user_model()
    if not (context.get("change") and isinstance(user, users)):
        return
    if user_access.may_see(request, user):
        user_id = quote(getattr(user, users._meta.pk.attname))
        url = site.otp_url(USER_SESSIONS, user_id)
        response.context_data = {**context, "user_sessions_url": url}
