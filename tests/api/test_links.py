"""The links of the description lead to operations that take what they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from swap_user.api.resources import OPERATIONS
from tests.api.clients import DOCUMENT

DESCRIBED = {
    operation["operationId"]: operation
    for path in DOCUMENT["paths"].values()
    for operation in path.values()
}


def links() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield each link, with its operation and its status."""
    for name, operation in DESCRIBED.items():
        for status, response in operation["responses"].items():
            for link in response.get("links", {}).values():
                yield name, status, link


def schema_of(name: str, status: str) -> dict[str, Any]:
    """Return the properties of an answer."""
    (content,) = DESCRIBED[name]["responses"][status]["content"].values()
    parts = [content["schema"], *content["schema"].get("allOf", [])]
    (reference,) = (part["$ref"] for part in parts if "$ref" in part)
    found: dict[str, Any] = DOCUMENT["components"]["schemas"][reference.rpartition("/")[2]]
    return found["properties"]


def test_the_next_operation_takes_what_a_link_gives() -> None:
    """Each parameter and each member of a body is one of the next operation."""
    for name, status, link in links():
        target = DESCRIBED[link["operationId"]]
        parameters = {each["name"] for each in target.get("parameters", ())}
        assert link.get("parameters", {}).keys() == parameters, (name, status, link)
        if body := link.get("requestBody"):
            schema = target["requestBody"]["content"]["application/json"]["schema"]
            assert body.keys() <= schema["properties"].keys(), (name, status, link)


def test_a_link_gives_what_the_answer_has() -> None:
    """The pointers lead into the answer."""
    for name, status, link in links():
        for value in {**link.get("parameters", {}), **link.get("requestBody", {})}.values():
            source, _, pointer = value.partition("#/")
            if source == "$response.body":
                assert pointer.partition("/")[0] in schema_of(name, status), (name, link)
            else:
                assert value == "$request.body#/username"


def test_a_login_leads_to_everything_that_needs_one() -> None:
    """Directly, or by an operation that comes before."""
    reached: set[str] = set()
    found = {"ask_for_code", "log_in"}
    while found - reached:
        reached |= found
        found = {link["operationId"] for name, _, link in links() if name in reached}
    assert reached >= {each.name for each in OPERATIONS if each.needs_login}
