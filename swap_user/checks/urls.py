"""The views of the project's URLconf, for the system checks, and the check of the own pages."""

import sys
from collections.abc import Iterator, Sequence
from typing import Any

from django.apps import AppConfig
from django.core import checks
from django.urls import URLPattern, URLResolver, get_resolver

from swap_user.checks.helpers import Messages

# URLconfs can include each other without end.
_MAX_DEPTH = 12

_PAGES, _API = "swap_user.otp.urls", "swap_user.api.urls"


def views() -> Iterator[tuple[str, Any]]:
    """
    Yield the route and the callback of every URL pattern.

    Raises:
        Exception: the URLconf can't be loaded, which Django's own checks report.
    """
    return _below(get_resolver(), "", ())


def logins_are_served() -> bool:
    """
    Return whether the URLconf includes the own pages or the JSON API.

    Raises:
        Exception: the URLconf can't be loaded, which Django's own checks report.
    """
    return any(_includes(get_resolver(), module) for module in (_PAGES, _API))


def api_is_served() -> bool:
    """Return whether the URLconf includes ``swap_user.api.urls``. False if it can't be loaded."""
    try:
        return _includes(get_resolver(), _API)
    except Exception:  # noqa: BLE001 - Django's own checks report it
        return False


def check_own_pages(app_configs: Sequence[AppConfig] | None, **kwargs: Any) -> Messages:
    """E025: the own pages are included below a path with arguments, which they do not accept."""
    try:
        found = [
            route
            for route, resolver in _resolvers(get_resolver(), "", ())
            if _passes_arguments(resolver) and _includes(resolver, _PAGES)
        ]
    except Exception:  # noqa: BLE001 - Django's own checks report a URLconf that can't be loaded
        return []
    return [
        checks.Error(
            f"swap_user.otp.urls is included below the path /{route}, which passes arguments.",
            hint="The pages have no such arguments, so each of them would be a server error. "
            'Include them once for all, as in path("account/", include("swap_user.otp.urls")).',
            id="swap_user.E025",
        )
        for route in found
    ]


def _includes(resolver: URLResolver, module: str) -> bool:
    # A URLconf that includes the module has imported it.
    included = getattr(sys.modules.get(module), "urlpatterns", ())
    # By their ids, because a view of the project may have no hash.
    views_of_module = {id(each.callback) for each in included}
    return any(id(callback) in views_of_module for _, callback in _below(resolver, "", ()))


def _passes_arguments(resolver: URLResolver) -> bool:
    """Return whether an include() passes a part of the path, or a fixed value, to its views."""
    return bool(resolver.pattern.regex.groups or resolver.default_kwargs)


def _resolvers(
    resolver: URLResolver, prefix: str, above: tuple[int, ...]
) -> Iterator[tuple[str, URLResolver]]:
    """Yield the route of each include(), and what it includes."""
    patterns: Any = resolver.url_patterns
    if id(patterns) in above or len(above) >= _MAX_DEPTH:
        return
    for each in patterns:
        if isinstance(each, URLResolver):
            route = f"{prefix}{each.pattern}"
            yield route, each
            yield from _resolvers(each, route, (*above, id(patterns)))


def _below(resolver: URLResolver, prefix: str, above: tuple[int, ...]) -> Iterator[tuple[str, Any]]:
    # The same list of patterns may be included twice, but not within itself.
    patterns: Any = resolver.url_patterns
    if id(patterns) in above or len(above) >= _MAX_DEPTH:
        return
    for each in patterns:
        route = prefix + str(getattr(each, "pattern", ""))
        if isinstance(each, URLResolver):
            yield from _below(each, route, (*above, id(patterns)))
        elif isinstance(each, URLPattern):
            yield route, each.callback
