"""The stylesheets: where their variables are, and which pages load them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

import swap_user
from swap_user.testing import log_in

STYLES = Path(swap_user.__file__).parent / "static/swap_user"


def test_each_variable_of_the_admin_has_one_place() -> None:
    """A theme that needs another color is changed in one file."""
    declared = Counter(
        (name, file.name)
        for file in STYLES.glob("*.css")
        for name in re.findall(r"^    (--otp-[\w-]+):", file.read_text(), re.MULTILINE)
    )
    assert len(declared) == 5
    assert {file for _name, file in declared} == {"theme.css"}
    assert set(declared.values()) == {1}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "style"),
    [("/admin/login/", "login.css"), ("/admin/sign-in-methods/", "sign_in_methods.css")],
)
def test_pages_of_the_admin_load_the_colors(
    client: Client, staff: Any, path: str, style: str
) -> None:
    """Each page has the colors, and its own stylesheet after them."""
    if style != "login.css":
        log_in(client, staff)
    page = client.get(path).content.decode()
    found = re.findall(r'<link rel="stylesheet" href="[^"]*swap_user/([\w.]+)"', page)
    assert found == ["theme.css", style]
