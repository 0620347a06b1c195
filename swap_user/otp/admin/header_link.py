"""
The link to the sign-in methods in the header of every page of an admin site.

Whatever template a page names, a theme's or a project's own, is extended by one of ours, which
adds the link to its block ``userlinks``. No template of the admin is replaced; one without that
block simply gets no link.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from django.template import Template
from django.template.response import SimpleTemplateResponse

from swap_user.otp.pages.methods.names import OVERVIEW

TEMPLATE = "swap_user/admin/page_with_link.html"

_PAGE = "swap_user_page"


def add(response: HttpResponseBase, link: Callable[[str], str]) -> HttpResponseBase:
    """
    Add the link to a page that is not rendered yet; leave any other answer as it is.

    Args:
        response: what a view of the site returned.
        link: gives the address of a page of the site.
    """
    if not isinstance(response, SimpleTemplateResponse) or response.is_rendered:
        return response
    context: dict[str, Any] = response.context_data or {}
    if not context.get("has_permission") or context.get("is_popup") or _PAGE in context:
        return response
    page = response.resolve_template(response.template_name)
    # Another engine's can't be extended.
    if isinstance(getattr(page, "template", None), Template):
        response.context_data = {**context, _PAGE: page, "sign_in_methods_url": link(OVERVIEW)}
        response.template_name = TEMPLATE
    return response
