"""
Views in the look of a site's own pages, as the admin site shows the same views in its look.

A site gives the pages its look with the template ``swap_user/base.html``.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponseBase
from django.http.request import split_domain_port
from django.urls import get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from swap_user.conf import swap_user_settings
from swap_user.otp.enforcement.pages import redirect_to_enrollment
from swap_user.otp.enforcement.standing import standing
from swap_user.otp.pages.account import names
from swap_user.otp.pages.addresses.names import SIGN_UP
from swap_user.otp.pages.login.base import StepView
from swap_user.otp.pages.login.unavailable import answer_outages
from swap_user.otp.pages.methods.names import ADD, OVERVIEW, SESSIONS
from swap_user.otp.pages.methods.urls import Page
from swap_user.otp.site_name import host_name, site_name

View = Callable[..., HttpResponseBase]

_TABS: dict[str, str | Promise] = {
    OVERVIEW: _("Sign-in methods"),
    SESSIONS: pgettext_lazy("swap_user", "Sessions"),
}


def step_page(
    view: type[StepView],
    template: str,
    title: str | Promise,
    *,
    check: str = names.CHECK,
    resend: str = names.RESEND,
) -> View:
    """
    Return a step of a login as a page of the site.

    Args:
        view: the class of the view.
        template: name of the template, without its folder and ".html".
        title: title of the page.
        check: URL name of the page that checks a code.
        resend: URL name of the page that sends another one.
    """

    def page(request: HttpRequest) -> HttpResponseBase:
        extra = {"title": title, **base_context(request)}
        if swap_user_settings.OTP_SIGN_UP:
            extra["sign_up_url"] = url_of(request, SIGN_UP)
        response: HttpResponseBase = view.as_view(
            template_name=f"swap_user/account/{template}.html",
            login_url=url_of(request, names.LOGIN),
            check_url=url_of(request, check),
            resend_url=url_of(request, resend),
            next_page=after_login(request),
            extra_context=extra,
        )(request)
        return response

    return _open(page)


def account_page(page: Page) -> View:
    """
    Return a page for a user who is logged in as a page of the site.

    A user who must enroll an app now is redirected to the page that adds one.
    """

    def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        if page.name != ADD and standing(request).is_due:
            return redirect_to_enrollment(request, url_of(request, ADD))
        response: HttpResponseBase = page.view.as_view(
            template_name=page.template_in("account"),
            login_url=url_of(request, names.LOGIN),
            step_up_url=url_of(request, names.STEP_UP),
            namespace=namespace_of(request),
            extra_context={**base_context(request), **_bar(request, page.name)},
        )(request, **kwargs)
        return response

    return _open(view)


def _open(view: View) -> View:
    # The views decide by themselves who may see them. LoginRequiredMiddleware would redirect to
    # LOGIN_URL, which may be a page of another package.
    return login_not_required(answer_outages(view))


def namespace_of(request: HttpRequest) -> str:
    """
    Return the namespace of the pages, with a colon.

    It is the one under which the project has included them, which may be inside another one.
    """
    match = request.resolver_match
    return ":".join([*(match.namespaces if match else []), ""])


def url_of(request: HttpRequest, name: str) -> str:
    """Return the URL of a page by its name."""
    return reverse(f"{namespace_of(request)}{name}")


def after_login(request: HttpRequest) -> str:
    """Return where to go after a login without ``next``: LOGIN_REDIRECT_URL, if that is set."""
    # The default of Django, /accounts/profile/, exists only if the project has such a page.
    is_set = settings.is_overridden("LOGIN_REDIRECT_URL")  # type: ignore[misc]
    if is_set and settings.LOGIN_REDIRECT_URL:
        return str(settings.LOGIN_REDIRECT_URL)
    return url_of(request, OVERVIEW)


def base_context(request: HttpRequest) -> dict[str, Any]:
    """Return the variables of ``swap_user/base.html``."""
    host, _port = split_domain_port(host_name(request))
    return {"site_name": site_name(host), "home_url": get_script_prefix()}


def _bar(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return the variables of the bar above a page for a user who is logged in."""
    current = name if name in _TABS else OVERVIEW
    tabs = [
        {"url": url_of(request, each), "label": label, "is_current": each == current}
        for each, label in _TABS.items()
    ]
    return {"tabs": tabs, "logout_url": url_of(request, names.LOGOUT)}
