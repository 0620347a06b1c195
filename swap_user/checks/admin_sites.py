"""System checks of the admin sites: the login by code is on, and its pages can be shown."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.apps import AppConfig, apps
from django.contrib import admin
from django.core import checks

from swap_user.checks import urls
from swap_user.checks.helpers import Messages
from swap_user.otp.admin import login_base
from swap_user.otp.sites import OTPAdminSiteMixin

# What a project does with a theme that replaces admin.site, by the package of the theme.
_HINTS = {
    "unfold": 'Write "unfold.apps.BasicAppConfig" in place of "unfold" in INSTALLED_APPS, and use '
    "a subclass of OTPAdminSiteMixin and UnfoldAdminSite as default_site.",
    "django_daisy": "Set DEFAULT_ADMIN_SITE_CLASS to a subclass of OTPAdminSiteMixin and "
    "DaisyAdminSite.",
    "baton": "Import admin from django.contrib in place of baton.autodiscover, and remove "
    '"baton.autodiscover" from INSTALLED_APPS; use a subclass of OTPAdminSiteMixin with the '
    "attributes of BatonAdminSite as default_site.",
}
_HINT = (
    "Use a class that begins with the mixin, such as class MySite(OTPAdminSiteMixin, ThemedSite), "
    "see “Themes of the admin” in the documentation."
)


def check_admin_site(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E018: the OTP admin is installed, but admin.site asks for a password."""
    if not _is_otp_site_installed():
        return []
    # Some themes replace admin.site when the URLconf imports them.
    served = _served_sites()
    site = _unwrapped(admin.site)
    if _asks_for_code(site) or (served and site not in served):
        return []
    kind = type(site)
    packages = {each.__module__.partition(".")[0] for each in kind.__mro__}
    theme = next((hint for package, hint in _HINTS.items() if package in packages), "")
    return [
        checks.Error(
            f'"swap_user.apps.OTPSiteConfig" is installed, but admin.site is '
            f"{kind.__module__}.{kind.__qualname__}, whose login page asks for a password: "
            "OTPAdminSiteMixin is not among its base classes, or it comes after AdminSite.",
            hint=f"{theme} {_HINT}".strip(),
            id="swap_user.E018",
        )
    ]


def check_login_templates(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E019: a template of the login can't be loaded. W019: the site's has no block "content"."""
    messages: Messages = []
    for site in filter(_asks_for_code, _served_sites()):
        for attribute in ("login_template", "otp_login_template", "otp_check_template"):
            name = getattr(site, attribute)
            try:
                if attribute == "login_template":
                    messages += _check_block(site, name or login_base.DEFAULT)
                elif name:
                    login_base.has_block(name, login_base.BLOCK)  # loads those it extends, too
            except login_base.TEMPLATE_ERRORS as error:
                messages.append(
                    checks.Error(
                        f"{attribute} of the admin site {site.name!r} is {name!r}, which can't be "
                        f"loaded: {type(error).__name__}: {error}",
                        hint="Correct the name or the template. The login page is a server error.",
                        id="swap_user.E019",
                    )
                )
    return messages


def check_login_form(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """W018: the form for a name and a password that a project has set is not used."""
    messages: Messages = []
    for site in filter(_asks_for_code, _served_sites()):
        form = site.login_form
        if form is None or _is_of_theme(form, site):
            continue
        messages.append(
            checks.Warning(
                f"login_form of the admin site {site.name!r} is "
                f"{form.__module__}.{form.__qualname__}, which is not used: the site asks for a "
                "code, and rules of the form do not apply.",
                hint="Remove it. Who may log in is decided by has_permission() of the site. More "
                "fields need a template of your own in otp_login_template.",
                id="swap_user.W018",
            )
        )
    return messages


ALL = (check_admin_site, check_login_templates, check_login_form)


def _check_block(site: Any, name: str) -> Messages:
    if login_base.has_block(name, login_base.BLOCK):
        return []
    return [
        checks.Warning(
            f"The login template {name!r} of the admin site {site.name!r} has no block "
            f'"{login_base.BLOCK}": the login pages can\'t extend it, and are shown without the '
            "design of the site.",
            hint=f'Add the block to it, or set login_template to "{login_base.PLAIN}" to accept '
            "the plain pages, or set otp_login_template and otp_check_template to templates of "
            "your own.",
            id="swap_user.W019",
        )
    ]


def _is_otp_site_installed() -> bool:
    """Return whether INSTALLED_APPS contains OTPSiteConfig, or a subclass of it."""
    for config in apps.get_app_configs():
        for base in type(config).__mro__:
            # By its name, because swap_user.apps imports the checks.
            if f"{base.__module__}.{base.__qualname__}" == "swap_user.apps.OTPSiteConfig":
                return True
    return False


def _served_sites() -> list[Any]:
    """Return the admin sites in the URLconf, each once. A URLconf that is broken has none."""
    found: dict[int, Any] = {}
    with suppress(Exception):  # Django reports it
        for _, callback in urls.views():
            site = getattr(callback, "admin_site", None) or getattr(callback, "__self__", None)
            if isinstance(site, admin.AdminSite):
                found.setdefault(id(site), site)
    return list(found.values())


def _asks_for_code(site: Any) -> bool:
    """Return whether the login page of a site is that of the mixin."""
    order = type(site).__mro__
    return OTPAdminSiteMixin in order and (
        order.index(OTPAdminSiteMixin) < order.index(admin.AdminSite)
    )


def _unwrapped(site: Any) -> Any:
    """Return the admin site itself. Django's ``admin.site`` is an object that makes it."""
    site.name  # noqa: B018 - makes it
    return getattr(site, "_wrapped", site)


def _is_of_theme(form: type, site: Any) -> bool:
    """Return whether the form is one that the site's theme has brought along."""

    def package(kind: type) -> str:
        return kind.__module__.partition(".")[0]

    themes = {package(each) for each in type(site).__mro__ if issubclass(each, admin.AdminSite)}
    own = {package(each) for each in type(site).__mro__ if issubclass(each, OTPAdminSiteMixin)}
    return package(form) in themes - own - {"django"}
