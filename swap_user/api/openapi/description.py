"""The description of the API (OpenAPI 3.1), made of the declared operations."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from swap_user.api.body import Member
from swap_user.api.openapi.schemas import SCHEMAS
from swap_user.api.operations import Operation
from swap_user.api.problems import CODES, MEDIA_TYPE
from swap_user.api.resources import OPERATIONS

_TITLE = "Login with one-time codes"

VERSION = "1"
"""The version of the API. Members, codes and operations can be added to it, and none goes."""

# A field of a form of the project.
_FIELD = {
    "anyOf": [
        {"type": ["string", "number", "boolean"]},
        {"type": "array", "items": {"type": "string"}},
    ]
}

_OF_ALL = ("unavailable", "apps_only")
_WITH_BODY = ("malformed", "unsupported_media_type")
_CHANGING = ("csrf_failed",)

_SECURITY: dict[str, Any] = {
    "sessionToken": {"type": "http", "scheme": "bearer", "description": "The session of an app."},
    "sessionCookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": settings.SESSION_COOKIE_NAME,
        "description": "The session of a browser. Requests that change something also need the "
        "header X-CSRFToken, whose value is csrf_token of GET session/.",
    },
}


@login_not_required
@require_safe
def describe(request: HttpRequest) -> JsonResponse:
    """Return the description of the API."""
    here = request.path.removesuffix("openapi.json")
    return JsonResponse(document(here))


def document(base: str) -> dict[str, Any]:
    """
    Return the description of the API.

    Args:
        base: the path of the API, such as "/api/auth/".
    """
    paths: dict[str, Any] = {}
    for each in OPERATIONS:
        path = "/" + re.sub(r"<\w+:(\w+)>", r"{\1}", each.route)
        paths.setdefault(path, {})[each.method.lower()] = _operation(each)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": VERSION},
        "servers": [{"url": base.rstrip("/") or "/"}],
        "paths": paths,
        "components": {"schemas": SCHEMAS, "securitySchemes": _SECURITY},
    }


_LINKED = {name for each in OPERATIONS for links in each.links.values() for name in links}


def _links(found: Operation, status: int) -> dict[str, Any]:
    """Return the links of an answer, by the names of the operations that can come next."""
    links = dict(found.links.get(status, {}))
    if found.returns.get(status) == "Session":
        # The user is logged in: whatever needs a login, and nothing that comes before it.
        need_login = (each for each in OPERATIONS if each.needs_login)
        links |= {each.name: {} for each in need_login if each.name not in _LINKED}
    return {name: _link(name, takes) for name, takes in links.items()}


def _link(name: str, takes: Mapping[str, str]) -> dict[str, Any]:
    (route,) = (each.route for each in OPERATIONS if each.name == name)
    taken = {
        member: f"$response.body#{value}" if value.startswith("/") else value
        for member, value in takes.items()
    }
    in_path = {member: taken.pop(member) for member in _names_in(route) & taken.keys()}
    link: dict[str, Any] = {"operationId": name}
    if in_path:
        link["parameters"] = in_path
    if taken:
        link["requestBody"] = taken
    return link


def _names_in(route: str) -> set[str]:
    """Return the names of the parts of a path that vary."""
    return set(re.findall(r"<\w+:(\w+)>", route))


def _operation(found: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": found.name,
        "summary": found.summary,
        "responses": _responses(found),
        # Either of both, or for operations that need no login, none.
        "security": [{name: []} for name in _SECURITY] + ([] if found.needs_login else [{}]),
    }
    if names := sorted(_names_in(found.route)):
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in names
        ]
    if found.takes:
        described["requestBody"] = {
            "required": any(each.required for each in found.takes),
            "content": {"application/json": {"schema": _body(found.takes)}},
        }
    return described


def _body(members: Iterable[Member]) -> dict[str, Any]:
    members = list(members)
    return {
        "type": "object",
        "properties": {each.name: _member(each) for each in members},
        "required": [each.name for each in members if each.required],
    }


def _member(member: Member) -> dict[str, Any]:
    if member.is_form:
        return {"type": "object", "description": member.description, "additionalProperties": _FIELD}
    schema: dict[str, Any] = {"type": "string", "description": member.description}
    if member.choices:
        return {**schema, "enum": list(member.choices)}
    return {**schema, "maxLength": member.max_length}


def _responses(found: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, name in found.returns.items():
        responses[str(status)] = {"description": "Done."}
        if name is not None:
            schema = {"$ref": f"#/components/schemas/{name}"}
            responses[str(status)]["content"] = {"application/json": {"schema": schema}}
    by_status: dict[int, list[str]] = {}
    for code, status in problems_of(found):
        by_status.setdefault(status, []).append(code)
    for status, codes in sorted(by_status.items()):
        responses[str(status)] = {
            "description": "Problem: " + ", ".join(codes) + ".",
            "content": {MEDIA_TYPE: {"schema": _problem(codes)}},
        }
    for answer, response in responses.items():
        if links := _links(found, int(answer)):
            response["links"] = links
    return responses


def problems_of(found: Operation) -> list[tuple[str, int]]:
    """Return the codes of all problems that an operation can have, each with its status."""
    codes = [*found.problems, *_OF_ALL, "not_authenticated"]
    if found.takes:
        codes += _WITH_BODY
    if found.method != "GET":
        codes += _CHANGING
    if found.needs_login and not found.enrolls:
        codes.append("enrollment_needed")
    if found.needs_fresh_login:
        codes.append("fresh_login_needed")
    return [_with_status(code) for code in dict.fromkeys(codes)]


def _with_status(declared: str) -> tuple[str, int]:
    code, _, status = declared.partition(" ")
    return code, int(status or CODES[code][0])


def _problem(codes: list[str]) -> dict[str, Any]:
    return {
        "allOf": [
            {"$ref": "#/components/schemas/Problem"},
            {"properties": {"code": {"enum": codes}}},
        ]
    }
