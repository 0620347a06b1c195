"""
The JSON API. Include it under any path: ``path("api/auth/", include("swap_user.api.urls"))``.

Its namespace is ``swap_user_api``.
"""

import re

from django.urls import path, re_path

from swap_user.api.openapi.description import describe
from swap_user.api.operations import Operation, view_of
from swap_user.api.resources import OPERATIONS

app_name = "swap_user_api"


def _name_of(route: str) -> str:
    """Return the URL name of a route, such as authenticators-id-confirm."""
    return re.sub(r"<\w+:(\w+)>", r"\1", route).strip("/").replace("/", "-")


_by_route: dict[str, list[Operation]] = {}
for _each in OPERATIONS:
    _by_route.setdefault(_each.route, []).append(_each)

urlpatterns = [
    path("openapi.json", describe, name="openapi"),
    *(path(route, view_of(found), name=_name_of(route)) for route, found in _by_route.items()),
    re_path("", view_of(()), name="not-found"),
]
