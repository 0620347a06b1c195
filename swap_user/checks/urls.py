"""The views of the project's URLconf, for the system checks that look at them."""

from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

# URLconfs can include each other without end.
_MAX_DEPTH = 12


def views() -> Iterator[tuple[str, Any]]:
    """
    Yield the route and the callback of every URL pattern.

    Raises:
        Exception: the URLconf can't be loaded, which Django's own checks report.
    """
    return _below(get_resolver(), "", ())


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
