"""
The packages that tests run beside this one, and what a project must do for them.

A test says which package it is about: ``@pytest.mark.neighbour("django-axes")``. After a run of
them, ``pytest --neighbours`` prints the table of docs/reference/neighbours.md, with the versions
that ran.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any


@dataclass(frozen=True)
class Neighbour:
    """
    How a package works beside this one.

    Attributes:
        works: what a project does beyond installing both: "unchanged", a number of lines, or what
            can't work.
        tried: what the tests do with it.
        page: where the docs describe it, or "".
    """

    works: str
    tried: str
    page: str = ""


UNCHANGED = "unchanged"

# By their names in the package index.
NEIGHBOURS: dict[str, Neighbour] = {
    "celery": Neighbour(
        "1 line", "a worker delivers a code that the site requested", "../howto/queues.md#celery"
    ),
    "channels": Neighbour(
        UNCHANGED,
        "a consumer sees the user of a session, and none after the session has ended",
    ),
    "dj-rest-auth": Neighbour(
        "1 line",
        "a code as password, with and without a session; its password forms",
        "../howto/apis.md#dj-rest-auth",
    ),
    "django-admin-interface": Neighbour(UNCHANGED, "all pages in its look", "../howto/themes.md"),
    "django-allauth": Neighbour(
        UNCHANGED,
        "its logins and its password reset open no OTP admin; its addresses follow ours",
        "../howto/policies.md#login-pages-that-go-around-the-policy",
    ),
    "django-anymail": Neighbour(UNCHANGED, "codes and notices go out by its backend"),
    "django-axes": Neighbour(
        "1 line", "it counts wrong codes by username, and stores no code", "#django-axes"
    ),
    "django-baton": Neighbour(
        "13 lines", "the check reports its site; our login in its look", "../howto/themes.md#baton"
    ),
    "django-cors-headers": Neighbour(
        "7 lines",
        "a page of another origin logs in by the JSON API",
        "../howto/json-api.md#other-origins-cors",
    ),
    "django-daisy": Neighbour(
        "7 lines",
        "the check reports its site; our login in its look",
        "../howto/themes.md#django-daisy",
    ),
    "django-grappelli": Neighbour(UNCHANGED, "all pages in its look", "../howto/themes.md"),
    "django-hijack": Neighbour(UNCHANGED, "an impersonator has shown no factor"),
    "django-impersonate": Neighbour(UNCHANGED, "an impersonator has shown no factor"),
    "django-jazzmin": Neighbour(UNCHANGED, "all pages in its look", "../howto/themes.md#jazzmin"),
    "django-loginas": Neighbour(UNCHANGED, "an impersonator has shown no factor"),
    "django-ninja": Neighbour(
        "1 line",
        "session tokens of the JSON API, in sync and async operations",
        "../howto/apis.md#session-tokens-in-django-ninja",
    ),
    "django-oauth-toolkit": Neighbour(
        "1 line",
        "a code in the password grant; its page for authorization after our login",
        "../howto/apis.md#django-oauth-toolkit",
    ),
    "django-q2": Neighbour(
        "6 lines",
        "a worker delivers a code that the site requested",
        "../howto/queues.md#django-q2",
    ),
    "django-simpleui": Neighbour(
        "without its look", "the check reports it; our login works", "../howto/themes.md"
    ),
    "django-tenants": Neighbour(
        "3 lines",
        "users, codes, limits, browsers and deliveries of two tenants",
        "../howto/senders.md#tenants",
    ),
    "django-unfold": Neighbour("9 lines", "all pages in its look", "../howto/themes.md#unfold"),
    "djangorestframework": Neighbour(
        UNCHANGED,
        "logins with and without a session, with and without transactions; a code as password",
        "../howto/apis.md#django-rest-framework",
    ),
    "djangorestframework-simplejwt": Neighbour(
        "3 lines",
        "tokens for a code, bound to a flow or not; tokens end with the session",
        "../howto/apis.md#simplejwt",
    ),
    "dramatiq": Neighbour(
        "7 lines", "a worker delivers a code that the site requested", "../howto/queues.md#dramatiq"
    ),
    "rq": Neighbour(
        "9 lines", "a worker delivers a code that the site requested", "../howto/queues.md#rq"
    ),
    "sentry-sdk": Neighbour(
        UNCHANGED, "no code and no secret in a report, whichever function fails"
    ),
    "wagtail": Neighbour(
        "6 lines",
        "our login and logout in place of its own; its forms for users",
        "#wagtail",
    ),
}


def table(
    passed: Mapping[str, Sequence[Any]], failed: Mapping[str, Sequence[Any]]
) -> Iterator[str]:
    """
    Yield the lines of the table.

    Args:
        passed: what tests that passed have recorded, by its name.
        failed: the same of tests that failed. Their packages are marked.
    """
    yield HEAD
    ran = {name for names in passed["neighbours"] for name in names}
    broken = {name for names in failed["neighbours"] for name in names}
    for name in sorted(ran | broken):
        yield "FAILED " * (name in broken) + row(name, version(name))


HEAD = "| package | version that ran | works | what the tests do |\n| --- | --- | --- | --- |"


def row(name: str, ran: str) -> str:
    """
    Return the row of a package.

    Args:
        name: its name in the package index.
        ran: the version that the tests ran with.
    """
    known = NEIGHBOURS[name]
    works = f"[{known.works}]({known.page})" if known.page else known.works
    return f"| {name} | {ran} | {works} | {known.tried} |"
