"""
The link to the sign-in methods in the header of every page of an admin site.

A template of this package extends the template of the page, which can be any template, and adds
the link to its block ``userlinks``. So no template of the admin, a theme or a project is replaced.
A page without that block gets no link.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponseBase
from django.template import Template
from django.template.response import SimpleTemplateResponse

from swap_user.otp.pages.methods.names import OVERVIEW

TEMPLATE = "swap_user/admin/page_with_link.html"

# The name of the context variable with the template that is extended.
_EXTENDED = "swap_user_page"


def add(response: HttpResponseBase, url_of: Callable[[str], str]) -> HttpResponseBase:
    """
    Add the link to a template response that is not rendered yet. Return other responses unchanged.

    Args:
        response: what a view of the site returned.
        url_of: returns the URL of a page of the site by its name.
    """
    if not isinstance(response, SimpleTemplateResponse) or response.is_rendered:
        return response
    context: dict[str, Any] = response.context_data or {}
    if not context.get("has_permission") or context.get("is_popup") or _EXTENDED in context:
        return response
    extended = response.resolve_template(response.template_name)
    # A template of another engine, such as Jinja, can't be extended.
    if isinstance(getattr(extended, "template", None), Template):
        response.context_data = {
            **context,
            _EXTENDED: extended,
            "sign_in_methods_url": url_of(OVERVIEW),
        }
        response.template_name = TEMPLATE
    return response
