"""A browser without scripts: it keeps cookies and fills in forms."""

from __future__ import annotations

import re
from copy import copy
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import HTTPCookieProcessor, HTTPHandler, OpenerDirector

SECONDS = 60  # for anything to happen at all; a busy CI machine can be slow


@dataclass
class Form:
    """One form of a page."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(values.get("action", "")))
        elif tag == "input" and self.found and "name" in values:
            self.found[-1].fields[values["name"]] = values.get("value", "")


class Browser:
    """Keeps cookies and fills in forms. It shows a redirect as such; `follow` follows it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cookies = CookieJar()
        self.status = 0
        self.page = ""
        self.location = ""
        # Not build_opener(): it would follow redirects, raise for errors, and load certificates.
        self._opener = OpenerDirector()
        self._opener.add_handler(HTTPHandler())
        self._opener.add_handler(HTTPCookieProcessor(self.cookies))

    @property
    def path(self) -> str:
        """Where it is: path and query."""
        parts = urlsplit(self.url)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    @property
    def said(self) -> str:
        """What the page says, for the message of an assertion: a debug page alone has 100 kB."""
        text = re.sub(r"(?s)<(style|script)\b.*?</\1>|<[^>]*>", " ", self.page)
        return f"{self.status} {self.path}: {' '.join(text.split())[:1000]}"

    def get(self, path: str) -> Self:
        """Open a page."""
        return self._open(path, None)

    def submit(self, to: str = "", **fields: str) -> Self:
        """Fill in and send the form that has these fields, or whose action ends with ``to``."""
        forms = _Forms()
        forms.feed(self.page)
        for form in forms.found:
            if fields.keys() <= form.fields.keys() and form.action.endswith(to):
                return self._open(form.action, urlencode(form.fields | fields).encode())
        raise AssertionError(f"no form with {sorted(fields)} for {to!r} in {self.said}")

    def follow(self) -> Self:
        """Go where it was redirected to, until there is a page."""
        for _ in range(5):
            if self.status not in {301, 302, 303}:
                break
            self.get(self.location)
        assert self.status == 200, self.said
        return self

    def _open(self, path: str, data: bytes | None) -> Self:
        url = urljoin(self.url, path)
        assert urlsplit(url).netloc == urlsplit(self.url).netloc, f"led away to {url}"
        with self._opener.open(url, data, timeout=SECONDS) as response:
            self.url = url
            self.status = response.status
            self.location = response.headers.get("Location", "")
            self.page = response.read().decode()
        return self

    def copy(self, at: str = "") -> Browser:
        """Return another with the same cookies and the same page open, perhaps at another server.

        A cookie belongs to a host, not to a port of it.
        """
        twin = Browser(urljoin(at or self.url, self.path))
        for cookie in self.cookies:
            twin.cookies.set_cookie(copy(cookie))
        twin.status, twin.page, twin.location = self.status, self.page, self.location
        return twin
